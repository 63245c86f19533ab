import {
  type FixtureModule,
  type LawReport,
  type Limits,
  type Report,
  runConformance,
} from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import type { Runaway } from "./runaway-fixture.ts";

const module = new URL("./runaway-fixture.ts", import.meta.url);
const loader = "tsx/esm/api";

/** Garbage collection keeps a nearly full heap busy. So the histories that eat memory get a longer busy limit. */
function limitsOf(deed: Runaway): Limits {
  return { busyMs: deed.startsWith("eats") ? 30_000 : 2_000, memoryMb: 200 };
}

function play(deed: Runaway, options: Parameters<typeof runConformance>[1] = {}): Promise<Report> {
  const limits = limitsOf(deed);
  const fixture: FixtureModule = { module, name: "runaway", input: deed, loader };
  return runConformance(fixture, { laws: ["key-order"], runs: 3, seed: 2, limits, ...options });
}

describe("a broker in a thread of its own", { timeout: 60_000 }, () => {
  it.each<[Runaway, RegExp]>([
    ["loops", /kept the thread busy for 2000 ms/],
    ["loops in microtasks", /kept the thread busy for 2000 ms/],
    ["eats heap", /took more than 200 MB of memory/],
    ["eats buffers", /took more than 200 MB of memory/],
    ["throws", /an error that nobody awaited: .*a bug in a timer/],
    ["exits", /ended by process\.exit\(3\)/],
  ])("that %s fails its law by name, with the history", async (deed, observed) => {
    const report = await play(deed);
    expect(report.laws.map(({ law, verdict }) => [law, verdict])).toEqual([["key-order", "fail"]]);
    const found = report.laws[0]?.counterexample;
    expect(found?.observed).toMatch(observed);
    expect(found).toMatchObject({ seed: 2, path: expect.stringMatching(/^\d+$/) });
    const lines = found === undefined ? [] : [...found.history.steps, ...found.history.end];
    const published = lines.filter((line) => line.startsWith("publish"));
    expect(published[2]).not.toMatch(/->/);
    expect(published).toHaveLength(3);
  });

  it("does not keep the laws after it from being played", async () => {
    const seen: [LawReport["law"], LawReport["verdict"], number][] = [];
    const laws = ["key-order", "description-without-credentials", "capabilities-match"] as const;
    const onProgress = ({ law, verdict }: LawReport, done: number) => seen.push([law, verdict, done]);
    const report = await play("exits", { laws, onProgress });
    expect(seen).toEqual([
      ["key-order", "fail", 1],
      ["capabilities-match", "fail", 2],
      ["description-without-credentials", "pass", 3],
    ]);
    expect(report).toMatchObject({ broker: "runaway", seed: 2 });
  });

  it("is replayed by the seed and path of its death", async () => {
    const [first] = (await play("loops", { laws: ["key-order"] })).laws;
    const path = first?.counterexample?.path ?? "";
    const [again] = (await play("loops", { laws: ["key-order"], path })).laws;
    expect(again?.histories).toBe(1);
    expect(again?.counterexample?.history).toEqual(first?.counterexample?.history);
  });

  it("gives the report that it gives in this one", async () => {
    const memory = new URL("./memory-fixture.ts", import.meta.url);
    const options = { laws: ["conservation", "single-use"], runs: 5, seed: 9 } as const;
    const apart = await runConformance({ module: memory, name: "memoryFixture", loader }, options);
    const { memoryFixture } = await import("./memory-fixture.ts");
    expect(apart).toEqual(await runConformance(memoryFixture, options));
  });

  it.each([
    ["unreachable", "nobody is at home"],
    ["nothing", 'exports no fixture by the name "nothing"'],
  ])("that cannot be begun with rejects: %s", async (name, message) => {
    await expect(runConformance({ module, name, loader }, { runs: 1 })).rejects.toThrow(message);
  });

  it.each([
    [{ module, nam: "x" }, {}, /no option "fixture.nam"; the nearest one is "name"/],
    [{ module }, { limits: { busyMs: 0 } }, "options.limits.busyMs must be a whole number of at least 1"],
    [{ module }, { limits: { memory: 1 } }, /no option "options.limits.memory"/],
  ])("refuses %j with %j", async (fixture, options, message) => {
    await expect(runConformance(fixture as FixtureModule, options as object)).rejects.toThrow(message);
  });
});
