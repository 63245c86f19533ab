import type { MemoryConnection } from "tidelane";
import { type Fixture, type LawReport, runConformance } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { memoryFixture } from "./memory-fixture.ts";
import { type Fault, faultyFixture } from "./planted/doctored.ts";

const { noPrefetch: _, ...others } = memoryFixture.promises ?? {};

/** Nobody may look into its server, and it may have fetched ahead. */
const unseen: Partial<Fixture<MemoryConnection>> = { promises: others };

const deaf: Fault = {
  defect: "pause() does nothing, on a broker that may have prefetched",
  law: "pause-holds",
  doctor: () => ({ subscriber: () => ({ pause: () => undefined }) }),
  fixture: unseen,
};

async function lawOf(fixture: Fixture, law: LawReport["law"], runs: number): Promise<LawReport> {
  const { laws } = await runConformance(fixture, { laws: [law], runs, seed: 1 });
  const [report] = laws;
  if (report === undefined) throw new Error("the law was played");
  return report;
}

describe("pause-holds where the broker may have fetched ahead", () => {
  it("notices a pause that does nothing, by what was published after it", async () => {
    const report = await lawOf(faultyFixture(deaf) as Fixture, "pause-holds", 40);
    expect(report).toMatchObject({ verdict: "fail", counterexample: { breaks: ["pause-holds"] } });
    expect(report.counterexample?.history.steps.length).toBeLessThanOrEqual(12);
  });

  it("passes a pause that holds, and says how often it could have failed", async () => {
    const report = await lawOf({ ...memoryFixture, ...unseen } as Fixture, "pause-holds", 40);
    expect(report.verdict).toBe("pass");
    expect(report.judged).toBeGreaterThan(20);
  });

  it("is not judged where no bound says how much may be on its way", async () => {
    const boundless: Fixture<MemoryConnection> = {
      ...memoryFixture,
      ...unseen,
      source: (topic, { maxInFlight: ignored, ...options }) => memoryFixture.source(topic, options),
    };
    expect(await lawOf(boundless as Fixture, "pause-holds", 20)).toMatchObject({
      verdict: "not judged",
      reason:
        "it prefetches, and takes no maxInFlight that says how much may be on its way when it is paused",
      histories: 20,
      judged: 0,
    });
  });
});

describe("a law that few histories come to judge", () => {
  it("is played on until one does", async () => {
    const reports: LawReport[] = [];
    for (let seed = 0; seed < 12; seed += 1) {
      const { laws } = await runConformance(memoryFixture as Fixture, {
        laws: ["single-use"],
        runs: 1,
        seed,
      });
      reports.push(...laws);
    }
    expect(reports.filter(({ verdict }) => verdict !== "pass")).toEqual([]);
    expect(reports.filter(({ histories }) => histories > 1)).not.toEqual([]);
  });
});
