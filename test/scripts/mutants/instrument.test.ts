import ts from "typescript";
import { describe, expect, it } from "vitest";
import { root } from "../../../scripts/entry-points.ts";
import { type MutatedFile, mutate } from "../../../scripts/mutants/instrument.ts";

function mutated(text: string, firstId = 1): MutatedFile {
  const source = ts.createSourceFile(`${root}/planted.ts`, text, ts.ScriptTarget.ES2022, true);
  return mutate(source, "/switch.ts", firstId);
}

/** What a function of one parameter returns, with one mutant on. */
function outcome({ text }: MutatedFile, active: number, argument: unknown): unknown {
  const code = ts.transpile(text.replace(/^import .*\n/, ""), { target: ts.ScriptTarget.ES2022 });
  const body = `${code.replace(/^export /gm, "")}\nreturn planted(argument);`;
  return new Function("isActiveMutant", "argument", body)((id: number) => id === active, argument);
}

function named({ mutants }: MutatedFile): string[] {
  return mutants.map(({ name }) => name.replace(/^planted\.ts planted ?/, ""));
}

describe("mutants of a source file", () => {
  it("are named by what they change, and not by a line", () => {
    const text = "export function planted(n: number): boolean { return n < 3; }";
    const names = named(mutated(text));
    expect(names).toContain("[boundary] n < 3 => n <= 3");
    expect(names).toContain("[constant] 3 => 4");
    expect(names).toContain("[fixed result] n < 3 => true");
    expect(named(mutated(`\n// moved\n${text}`))).toEqual(names);
  });

  it("of the same change in one function are told apart", () => {
    const names = named(mutated("function planted(a: boolean) { return [!a, !a]; }"));
    expect(names).toEqual(["[negated] !a => a", "[negated] !a => a (2)"]);
  });

  it("are all off until one is on", () => {
    const file = mutated("function planted(n: number): number { let sum = 0; sum += n; return sum + 1; }", 7);
    expect(outcome(file, 0, 2)).toBe(3);
    const results = file.mutants.map(({ id }) => outcome(file, id, 2));
    expect(file.mutants[0]?.id).toBe(7);
    expect(results).not.toContain(3);
  });

  it("leave an else with the if it belongs to", () => {
    const file = mutated(
      "function planted(n: number) { const made: string[] = []; if (n > 1) made.push('many'); else made.push('one'); return made; }",
    );
    expect(outcome(file, 0, 1)).toEqual(["one"]);
    expect(outcome(file, 0, 2)).toEqual(["many"]);
  });

  it("leave the text of errors alone", () => {
    const file = mutated(
      "function planted(n: number) { if (n) throw new RangeError(n > 1 ? 'a' : 'b'); return n; }",
    );
    expect(named(file)).toEqual(["[decided condition] n => true", "[decided condition] n => false"]);
  });

  it("that work while the module loads are known", () => {
    const file = mutated(
      "const most = 3; class A { static first = 1; held = 2; } function f() { return 4; }",
    );
    const atLoad = file.mutants.filter((mutant) => mutant.atLoad).map(({ name }) => name);
    expect(atLoad.map((name) => name.replace(/ \[.*/, ""))).toEqual([
      "planted.ts most",
      "planted.ts most",
      "planted.ts A.first",
      "planted.ts A.first",
    ]);
  });
});
