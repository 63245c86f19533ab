import { defineConfig } from "vitest/config";
import { entryPoints } from "./scripts/entry-points.ts";

/** Tests come through the public doors; in the tree those open on the sources, so no build is needed. */
const alias = entryPoints.map(({ name, source }) => ({ find: new RegExp(`^${name}$`), replacement: source }));

/** Thousands of generated histories and schedules, and whole processes: they run with the slow ones. */
const heavy = [
  "test/conformance/{soundness,planted-faults,conformance,command-line,supervised}.test.ts",
  "test/examples/demo/demo.test.ts",
  "test/examples/folder/folder.test.ts",
  "test/promises/lane-schedules.test.ts",
];

export default defineConfig({
  resolve: { alias },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          // Modules are loaded once a worker, not once a file: half the minute went into that.
          isolate: false,
          include: ["test/**/*.test.ts"],
          exclude: ["test/slow/**", "test/package/**", "test/live/**", ...heavy],
          typecheck: {
            enabled: true,
            include: ["test/types/**/*.test-d.ts"],
            tsconfig: "./test/types/tsconfig.json",
            // What is wrong in src/ is for `npm run types` to say.
            ignoreSourceErrors: true,
          },
        },
      },
      {
        extends: true,
        test: { name: "slow", include: ["test/slow/**/*.test.ts", ...heavy], testTimeout: 300_000 },
      },
      {
        extends: true,
        test: {
          name: "live",
          include: ["test/live/**/*.test.ts"],
          globalSetup: ["test/live/setup.ts"],
          // One file at a time: the servers need the processors too.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          globalSetup: ["test/package/setup.ts"],
          testTimeout: 60_000,
        },
      },
    ],
  },
});
