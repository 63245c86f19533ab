import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Tests come through the public doors; in the tree those open on the sources, so no build is needed. */
const alias = [
  { find: /^tidelane$/, replacement: here("./src/index.ts") },
  { find: /^tidelane\/sources$/, replacement: here("./src/sources/index.ts") },
  { find: /^tidelane\/testing$/, replacement: here("./src/testing/index.ts") },
  { find: /^tidelane\/conformance$/, replacement: here("./conformance/index.ts") },
];

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**", "test/brokers-live/**"],
          typecheck: { enabled: true, include: ["test/types/**/*.test-d.ts"], tsconfig: "./tsconfig.json" },
        },
      },
      { extends: true, test: { name: "slow", include: ["test/slow/**/*.test.ts"], testTimeout: 300_000 } },
    ],
  },
});
