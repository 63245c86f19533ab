import { MemoryBroker, type MemoryConnection, systemClock } from "tidelane";
import { type Fixture, type Report, runConformance, toMarkdown } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { stepFor } from "../../conformance/latency.ts";
import { memoryFixture, memoryOptions } from "./memory-fixture.ts";

/** The memory broker as one on a server would be seen. */
const onRealTime: Fixture<MemoryConnection> = {
  ...memoryFixture,
  time: "real",
  broker: ({ topics }) => new MemoryBroker(memoryOptions({ clock: systemClock, topics })),
};

function play(changes: Partial<Fixture<MemoryConnection>>): Promise<Report> {
  const fixture = { ...onRealTime, ...changes };
  return runConformance(fixture, { laws: ["description-without-credentials"], runs: 1, seed: 1 });
}

describe("how long a step waits on real time", () => {
  it("is ten times the slowest delivery, within bounds", () => {
    expect([0.3, 6, 12.34, 199, 5_000].map(stepFor)).toEqual([60, 60, 124, 1_990, 2_000]);
  });

  it("is measured at the start, and told", async () => {
    const report = await play({});
    expect(report.pace?.slowestMs).toBeGreaterThan(0);
    expect(report.pace?.stepMs).toBe(stepFor(report.pace?.slowestMs ?? 0));
    expect(toMarkdown(report)).toMatch(
      /^A step waited \d+ ms for an answer, because the slowest of a few deliveries took [\d.]+ ms\.$/m,
    );
  });

  it("is what the fixture says, where it says it", async () => {
    const report = await play({ timings: { stepMs: 75 } });
    expect(report.pace).toEqual({ stepMs: 75 });
    expect(toMarkdown(report)).toContain(
      "A step waited 75 ms for an answer, as the fixture says, or by default.",
    );
  });

  it("is two seconds where nothing is delivered, or publishing fails: the laws say the rest", async () => {
    const deaf = await play({
      timings: { arrivalMs: 20 },
      source: (topic, options) => memoryFixture.source(`not ${topic}`, options),
    });
    expect(deaf.pace).toEqual({ stepMs: 2_000 });
    const closed = await play({
      source: (topic, options) => {
        const source = memoryFixture.source(topic, options);
        return { ...source, open: () => Promise.reject(new Error("not today")) };
      },
    });
    expect(closed.pace).toEqual({ stepMs: 2_000 });
  });

  it("is nothing on virtual time", async () => {
    const report = await runConformance(memoryFixture, { laws: ["single-use"], runs: 1, seed: 1 });
    expect(report.pace).toBeUndefined();
  });
});
