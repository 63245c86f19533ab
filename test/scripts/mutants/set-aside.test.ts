import { expect, it } from "vitest";
import type { Mutant } from "../../../scripts/mutants/mutant.ts";
import { type AsideEntry, asideOf, stale } from "../../../scripts/mutants/set-aside.ts";

const entries: readonly AsideEntry[] = [
  { kind: "equivalent", reason: "nobody can tell", mutants: ["a.ts A.b [constant] 0 => 1"] },
  { kind: "beyond the contract", reason: "an option", mutants: ["a.ts A.c [*"] },
];

function mutant(name: string): Mutant {
  return { id: 1, name, file: "a.ts", line: 1, operator: "constant", atLoad: false };
}

it("a mutant is set aside by its name, or by how it begins", () => {
  expect(asideOf(entries, mutant("a.ts A.b [constant] 0 => 1"))?.kind).toBe("equivalent");
  expect(asideOf(entries, mutant("a.ts A.b [constant] 0 => 1 (2)"))).toBeUndefined();
  expect(asideOf(entries, mutant("a.ts A.c [boundary] a < b => a <= b"))?.kind).toBe("beyond the contract");
});

it("an entry that stands for no mutant any more is stale", () => {
  expect(stale(entries, [mutant("a.ts A.c [negated] !a => a")])).toEqual(["a.ts A.b [constant] 0 => 1"]);
});
