import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/entry-points.ts";
import { run } from "../../scripts/steps.ts";

const examples = readdirSync(`${root}/examples`).filter((name) => /^\d\d-.*\.ts$/.test(name));

/** What an example says it prints: the text of a trailing comment that starts with "prints:". */
function promisedOutput(source: string): string | undefined {
  return /\/\* prints:\n(.*)\n\*\/\s*$/s.exec(source)?.[1];
}

describe("the examples", () => {
  it("are numbered without a gap", () => {
    const numbers = examples.map((name) => Number(name.slice(0, 2)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it("say what they print in a trailing comment", () => {
    expect(promisedOutput('log("a");\n/* prints:\na\n\nb\n*/\n')).toBe("a\n\nb");
    expect(promisedOutput('/* prints:\na\n*/\nlog("b");\n')).toBeUndefined();
  });

  for (const name of examples) {
    it.concurrent(`${name} runs and prints what it says`, { timeout: 30_000 }, async () => {
      const { code, output } = await run(["tsx", `examples/${name}`]);
      const promised = promisedOutput(readFileSync(`${root}/examples/${name}`, "utf8"));
      expect(code, output).toBe(0);
      if (promised !== undefined) expect(output.trimEnd()).toBe(promised);
    });
  }
});
