import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Case, cases } from "../../../conformance/engine/cases.ts";
import type { Mixture } from "../../../conformance/engine/ground.ts";
import { drawn } from "../../../conformance/engine/part.ts";
import { Step } from "../../../conformance/steps/step.ts";

const step = (name: string): Step => new Step({ name, ready: () => true, act: () => undefined });
const letter = fc.constantFrom("x", "y", "z", "a", "b", "c");
const mixture = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant<Mixture>({}) },
  { weight: 3, arbitrary: fc.constant<Mixture>({ ungrouped: true }) },
);

function generated(): fc.Arbitrary<Case> {
  return cases({
    mixture,
    step: letter.map(step),
    length: fc.integer({ min: 40, max: 60 }),
    refrains: () => [],
  });
}

const namesOf = ({ steps }: Case): string[] => steps.map(String);

/** The smallest case that fails, by the names of its steps, and how many were played after the first that failed. */
function smallest(fails: (given: Case) => boolean, of: fc.Arbitrary<Case> = generated(), seed = 1) {
  let plays = 0;
  const details = fc.check(
    fc.property(of, (given) => {
      const failed = fails(given);
      if (failed || plays > 0) plays += 1;
      return !failed;
    }),
    { seed, numRuns: 500 },
  );
  const [found] = details.counterexample ?? [];
  if (found === undefined) throw new Error("no case failed");
  return { ...found, names: namesOf(found), plays, path: details.counterexamplePath ?? "" };
}

/** Whether these come in this order, with anything between. */
function inOrder(names: readonly string[], wanted: readonly string[]): boolean {
  let next = 0;
  for (const name of names) if (name === wanted[next]) next += 1;
  return next === wanted.length;
}

const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

describe("a case that fails becomes smaller", () => {
  it.each(seeds)("down to the steps it needs, in few plays (seed %i)", (seed) => {
    const found = smallest((given) => inOrder(namesOf(given), ["a", "b", "c", "a"]), undefined, seed);
    expect(found.names).toEqual(["a", "b", "c", "a"]);
    expect(found).toMatchObject({ mixture: {}, profile: "subscribe first" });
    expect(found.plays).toBeLessThan(120);
  });

  it.each(seeds)("where its steps do something else on the smaller ground (seed %i)", (seed) => {
    const found = smallest(
      (given) => {
        const mixed = given.mixture.ungrouped === true;
        return inOrder(namesOf(given), mixed ? ["a", "b"] : ["c", "b", "c"]);
      },
      undefined,
      seed,
    );
    expect(found.mixture).toEqual({});
    expect(found.names).toEqual(["c", "b", "c"]);
  });

  it("and keeps the ground that it needs", () => {
    const found = smallest((given) => given.mixture.ungrouped === true && namesOf(given).includes("b"));
    expect(found).toMatchObject({ mixture: { ungrouped: true }, names: ["b"] });
  });

  it("down to one repetition, where only their number matters", () => {
    const times = fc.integer({ min: 2, max: 60 }).map((count) => step(`a ${count}`));
    const worth = (name: string): number => (name === "a" ? 1 : Number(/^a (\d+)$/.exec(name)?.[1] ?? 0));
    const many = (given: Case): boolean => namesOf(given).reduce((sum, name) => sum + worth(name), 0) >= 14;
    const long = cases({
      mixture,
      step: fc.oneof({ weight: 5, arbitrary: fc.constant("a") }, letter).map(step),
      length: fc.integer({ min: 40, max: 60 }),
      refrains: (random) => Array.from({ length: 3 }, () => drawn(times, random, undefined)),
    });
    for (const seed of seeds) expect(smallest(many, long, seed).names).toEqual(["a 14"]);
  });
});

it("a path leads to the same case again", () => {
  const fails = (given: Case): boolean => inOrder(namesOf(given), ["a", "c", "b"]);
  const { path } = smallest(fails);
  const again: Case[] = [];
  const details = fc.check(
    fc.property(generated(), (given) => {
      again.push(given);
      return !fails(given);
    }),
    { seed: 1, path, endOnFailure: true },
  );
  expect(details.failed).toBe(true);
  expect(again.map(namesOf)).toEqual([["a", "c", "b"]]);
});
