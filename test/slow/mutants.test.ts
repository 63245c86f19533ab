import { describe, expect, it } from "vitest";
import { readMutants } from "../../scripts/capabilities.ts";
import { mutateSources } from "../../scripts/mutants/bundle.ts";
import { hunt } from "../../scripts/mutants/hunt.ts";
import type { Mutant } from "../../scripts/mutants/mutant.ts";
import { killRate } from "../../scripts/mutants/report.ts";
import { asideOf, readAside, stale } from "../../scripts/mutants/set-aside.ts";
import { spread } from "../../scripts/mutants/spread.ts";

const aside = readAside();
const report = readMutants();

/** Those the last whole run killed. */
function killable(mutants: readonly Mutant[]): readonly Mutant[] {
  const survived = new Set(report.survived);
  return mutants.filter((mutant) => asideOf(aside, mutant) === undefined && !survived.has(mutant.name));
}

describe("mutants of the memory broker and of Outlet", () => {
  it("were killed by the laws, at least 95 of a hundred, in the last whole run", () => {
    expect(killRate(report)).toBeGreaterThanOrEqual(95);
    expect(report.wronglyAside).toEqual([]);
  });

  it("are killed in a sample of twenty", { timeout: 120_000 }, async () => {
    const verdicts = await hunt({
      seed: report.seed,
      runs: report.runs,
      processes: 2,
      choose: (mutants) => spread(killable(mutants), 20),
    });
    expect(verdicts).toHaveLength(20);
    const left = verdicts.filter(({ fate }) => fate.kind === "survived" || fate.kind === "not reached");
    expect(left.map(({ mutant }) => mutant.name)).toEqual([]);
  });
});

describe("what is set aside", () => {
  const mutants = mutateSources().flatMap((file) => file.mutants);

  it("is there to be mutated", () => {
    expect(stale(aside, mutants).map(({ mutant }) => mutant)).toEqual([]);
  });

  it("has a reason each, and no entry twice", () => {
    for (const { reason, mutant } of aside) expect(reason.length, mutant).toBeGreaterThan(20);
    expect(new Set(aside.map(({ mutant }) => mutant)).size).toBe(aside.length);
  });
});
