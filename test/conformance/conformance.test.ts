import { ConformanceError, conformance, type Fixture, type LawReport } from "tidelane/conformance";
import { describe, expect, it, vi } from "vitest";
import { memoryFixture } from "./memory-fixture.ts";
import { faultyFixture } from "./planted/doctored.ts";
import { faults } from "./planted/faults.ts";

describe("conformance of memory, as an adapter's own tests register it", () => {
  conformance({ test: it, fixture: memoryFixture, options: { runs: 20, seed: 1 } });
});

type Registered = Map<string, (context?: unknown) => Promise<void>>;

function register(
  fixture: Fixture,
  options: Parameters<typeof conformance>[0]["options"],
): [Registered, LawReport[]] {
  const tests: Registered = new Map();
  const results: LawReport[] = [];
  conformance({
    test: (name, body) => tests.set(name, body),
    fixture,
    ...(options === undefined ? {} : { options }),
    onResult: (law) => results.push(law),
  });
  return [tests, results];
}

describe("conformance", () => {
  it.each([
    [
      { onresult: () => undefined },
      'conformance(options) has no option "onresult"; the nearest one is "onResult"',
    ],
    [
      { options: { seeds: 1 } },
      'conformance(options) has no option "options.seeds"; the nearest one is "seed"',
    ],
    [
      { fixture: { ...memoryFixture, secret: [] } },
      'no option "fixture.secret"; the nearest one is "secrets"',
    ],
  ])("refuses a name that nobody reads, before it registers anything: %j", (members, message) => {
    const test = vi.fn();
    const registration = { test, fixture: memoryFixture as Fixture, ...members };
    expect(() => conformance(registration as Parameters<typeof conformance>[0])).toThrow(message);
    expect(test).not.toHaveBeenCalled();
  });

  it("registers one test for each law with any runner, named by its promise", () => {
    const [tests] = register(memoryFixture as Fixture, { laws: ["single-use"] });
    expect([...tests.keys()]).toEqual([
      "single-use: The first settle of a delivery wins. A later one rejects with AlreadySettledError and changes nothing.",
    ]);
  });

  it("fails a test with the whole counterexample", async () => {
    const fault = faults.find(({ law }) => law === "one-iterator");
    if (fault === undefined) throw new Error("a planted fault of this law");
    const [tests, results] = register(faultyFixture(fault) as Fixture, { laws: [fault.law], seed: 1 });
    const [body] = tests.values();
    const failure = await body?.().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConformanceError);
    expect(String(failure)).toMatch(
      /history:\n {2}1\. .*\n(.*\n)*.*npm run conformance -- memory --law one-iterator --seed 1/,
    );
    expect(results.map(({ verdict }) => verdict)).toEqual(["fail"]);
  });

  it("skips a law that is a declared gap where the runner can, and passes where it cannot", async () => {
    const fixture = { ...memoryFixture, gaps: { pattern: "there are none" } } as Fixture;
    const [tests, results] = register(fixture, { laws: ["pattern"] });
    const [body] = tests.values();
    const skip = vi.fn();
    await body?.({ skip });
    expect(skip).toHaveBeenCalledExactlyOnceWith("there are none");
    await body?.();
    expect(results.map(({ verdict }) => verdict)).toEqual(["gap", "gap"]);
  });

  it("refuses wrong options when it registers", () => {
    expect(() => register(memoryFixture as Fixture, { runs: -1 })).toThrow("options.runs must be");
  });
});
