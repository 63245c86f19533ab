import type { MemoryConnection } from "tidelane";
import { type Fixture, type LawReport, runConformance } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { memoryFixture } from "./memory-fixture.ts";

describe("runConformance", () => {
  it("reports every law it was asked for, in the order of the report", async () => {
    const report = await runConformance(memoryFixture, {
      laws: ["single-use", "conservation"],
      runs: 3,
      seed: 1,
    });
    expect(report).toMatchObject({ broker: "memory", seed: 1, histories: 6 });
    expect(report.laws.map(({ law, verdict }) => [law, verdict])).toEqual([
      ["conservation", "pass"],
      ["single-use", "pass"],
    ]);
  });

  it("tells of each law as it is done", async () => {
    const seen: [LawReport["law"], number, number][] = [];
    await runConformance(memoryFixture, {
      laws: ["pattern", "one-iterator"],
      runs: 1,
      onProgress: ({ law }, done, total) => seen.push([law, done, total]),
    });
    expect(seen).toEqual([
      ["one-iterator", 1, 2],
      ["pattern", 2, 2],
    ]);
  });

  it("gives the same histories for the same seed", async () => {
    const run = () => runConformance(forgetful, { laws: ["requeue-redelivers"], seed: 5 });
    const [first, second] = [await run(), await run()];
    expect(first.laws[0]?.verdict).toBe("fail");
    expect(first).toEqual(second);
  });

  it("reports a gap and a missing capability, with the reason", async () => {
    const { patternSource: _, ...plain } = memoryFixture;
    const fixture: Fixture<MemoryConnection> = {
      ...plain,
      source: (topic, options) => {
        const source = memoryFixture.source(topic, options);
        return { ...source, capabilities: { ...source.capabilities, requeue: false } };
      },
      gaps: { "group-copies": "every group shares one queue here" },
    };
    const report = await runConformance(fixture, { laws: ["requeue-redelivers", "group-copies", "pattern"] });
    expect(report.laws.map(({ verdict, reason, histories }) => [verdict, reason, histories])).toEqual([
      ["not claimed", "its capabilities say requeue false", 0],
      ["gap", "every group shares one queue here", 0],
      ["not claimed", "the fixture has no patternSource and patterns", 0],
    ]);
  });

  it.each([
    [{ runs: 0 }, "options.runs must be a whole number of at least 1; received 0."],
    [{ runs: 1.5 }, "options.runs must be a whole number of at least 1; received 1.5."],
    [{ seed: Number.NaN }, "options.seed must be a whole number; received NaN."],
    [
      { laws: ["kindness" as never] },
      /^options.laws must be names of laws \(conservation, .*received "kindness"/,
    ],
    [{ path: "1:2" }, /^options.path must be given together with the seed and the one law/],
    [
      { path: "x", seed: 1, laws: ["conservation" as const] },
      /^options.path must be the path of a counterexample/,
    ],
  ])("refuses %j", async (options, message) => {
    await expect(runConformance(memoryFixture, options)).rejects.toThrow(message);
  });

  it.each([
    [
      {},
      { run: 3 },
      /^runConformance\(fixture, options\) has no option "options.run"; the nearest one is "runs"/,
    ],
    [{ timing: {} }, {}, /has no option "fixture.timing"; the nearest one is "timings"/],
    [{ timings: { arrivalMS: 1, settleMs: 2 } }, {}, /no option "fixture.timings.arrivalMS"; .* "arrivalMs"/],
    [{ promises: { noprefetch: true } }, {}, /no option "fixture.promises.noprefetch"; .* "noPrefetch"/],
    [{ positions: { begin: 1 } }, {}, /no option "fixture.positions.begin"/],
    [{ gaps: { "key-orders": "why" } }, {}, /no option "fixture.gaps.key-orders"; .* "key-order"/],
  ])("refuses names that nobody reads: %j, %j", async (members, options, message) => {
    const fixture = { ...memoryFixture, ...members } as Fixture;
    await expect(runConformance(fixture, options as object)).rejects.toThrow(message);
  });

  it("rejects when the broker cannot be reached", async () => {
    const down: Fixture<MemoryConnection> = {
      ...memoryFixture,
      broker: () => {
        throw new Error("nobody is at home");
      },
    };
    await expect(runConformance(down)).rejects.toThrow("nobody is at home");
  });

  it("ends when the broker never answers, and says after which call", { timeout: 60_000 }, async () => {
    let connections = 0;
    const stuck: Fixture<MemoryConnection> = {
      ...memoryFixture,
      broker: async (environment) => {
        const broker = await memoryFixture.broker(environment);
        return {
          name: "stuck",
          connect: async () => {
            const connection = await broker.connect();
            connections += 1;
            // The first is asked for its capabilities only.
            if (connections > 1)
              connection.subscribe = (() => new Promise(() => undefined)) as MemoryConnection["subscribe"];
            return connection;
          },
        };
      },
    };
    const report = await runConformance(stuck, { laws: ["one-iterator"], runs: 1, seed: 1 });
    expect(report.laws[0]).toMatchObject({
      verdict: "fail",
      counterexample: {
        observed: "the last call above was never answered",
        history: { given: ["open s1 on A in group g -> no answer"] },
      },
    });
  });
});

/** A requeue is an ack. */
const forgetful: Fixture<MemoryConnection> = {
  ...memoryFixture,
  source: (topic, options) => {
    const source = memoryFixture.source(topic, options);
    return {
      ...source,
      open: async (connection) => {
        const subscriber = await source.open(connection);
        const begin = subscriber[Symbol.asyncIterator].bind(subscriber);
        subscriber[Symbol.asyncIterator] = () => {
          const iterator = begin();
          return {
            next: async () => {
              const result = await iterator.next();
              if (result.value) result.value.nack = () => result.value?.ack() ?? Promise.resolve();
              return result;
            },
            return: () => iterator.return(),
          };
        };
        return subscriber;
      },
    };
  },
};
