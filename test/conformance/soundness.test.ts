import type { MemoryConnection } from "tidelane";
import { lawNames } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { checkLaw } from "../../conformance/engine/check-law.ts";
import type { Fixture } from "../../conformance/fixture.ts";
import { laws } from "../../conformance/laws/index.ts";
import { describeFailure } from "../../conformance/report.ts";
import { examine } from "../../conformance/subject.ts";
import { broadcastFixture } from "./broadcast-broker.ts";
import { memoryFixture } from "./memory-fixture.ts";
import { outletFixture } from "./outlet-broker.ts";
import { prefetchingFixture } from "./prefetching-broker.ts";
import { rebalancingFixture } from "./rebalancing-broker.ts";

/** Ends a hang, and asserts nothing: seven times what a seed takes on an idle machine. */
const seedMs = 120_000;

/** Fails on a contradiction of any law, whichever law the history was generated for. */
async function failuresOf(fixture: Fixture, seed: number, runs: number): Promise<string[]> {
  const subject = await examine(fixture);
  const found: string[] = [];
  for (const law of laws) {
    const report = await checkLaw(law, subject, { seed, runs });
    if (report.counterexample) found.push(describeFailure(fixture.name, report, report.counterexample));
  }
  return found;
}

describe("a sound broker contradicts no law", () => {
  it.each([1, 2, 3])("memory, by its strict promises, seed %i", { timeout: seedMs }, async (seed) => {
    expect(await failuresOf(memoryFixture as Fixture, seed, 40)).toEqual([]);
  });

  it.each([1, 2, 3])("one behind outlets, seed %i", { timeout: seedMs }, async (seed) => {
    expect(await failuresOf(outletFixture as Fixture, seed, 40)).toEqual([]);
  });

  it.each([1, 2, 3])("one that prefetches and promises less, seed %i", { timeout: seedMs }, async (seed) => {
    expect(await failuresOf(prefetchingFixture as Fixture, seed, 40)).toEqual([]);
  });
});

describe("a broker whose groups rebalance", () => {
  it.each([1, 2, 3])("contradicts no law when it says so, seed %i", { timeout: seedMs }, async (seed) => {
    expect(await failuresOf(rebalancingFixture as Fixture, seed, 40)).toEqual([]);
  });

  it("contradicts the contract when it does not", { timeout: seedMs }, async () => {
    const silent = { ...rebalancingFixture, rebalances: false };
    const failures = await failuresOf(silent as Fixture, 1, 40);
    expect(failures.join("\n")).toMatch(/^(settle-after-revocation|independent-settles):/m);
    expect(failures.join("\n")).toMatch(/was revoked \(.*\) while s\d+ holds it/);
  });
});

describe("a broker that claims little", () => {
  it.each([1, 2])(
    "and has no acknowledgement, no group and no redelivery, contradicts no law, seed %i",
    { timeout: seedMs },
    async (seed) => {
      expect(await failuresOf(broadcastFixture as Fixture, seed, 40)).toEqual([]);
    },
  );

  it("contradicts the contract when a subscription goes on after its close", {
    timeout: seedMs,
  }, async () => {
    const law = laws.find(({ name }) => name === "quiet-after-close");
    if (law === undefined) throw new Error("there is such a law");
    const report = await checkLaw(law, await examine(deaf as Fixture), { seed: 1, runs: 40 });
    expect(report.counterexample?.breaks).toContain("quiet-after-close");
  });

  it("has a reason for each law it is not held to", async () => {
    const subject = await examine(broadcastFixture as Fixture);
    const reasons = laws.flatMap((law) => law.claim?.(subject) ?? []);
    expect(reasons).toContain('its capabilities say settlement "none"');
    expect(reasons).toContain("its capabilities say groups false");
    expect(reasons.length).toBeLessThan(laws.length - 10);
  });
});

/** Its close does nothing. */
const deaf: Fixture<MemoryConnection> = {
  ...broadcastFixture,
  source: (topic, options) => {
    const source = broadcastFixture.source(topic, options);
    return {
      ...source,
      open: async (connection) => {
        const real = await source.open(connection);
        const close = async (): Promise<void> => undefined;
        return {
          topic,
          capabilities: real.capabilities,
          [Symbol.asyncIterator]: () => real[Symbol.asyncIterator](),
          close,
          [Symbol.asyncDispose]: close,
        };
      },
    };
  },
};

/** A server that restarts ends all connections there are, and keeps what it has. */
function restartable(): Fixture {
  const connections = new Set<MemoryConnection>();
  const { kill: _, ...plain } = memoryFixture;
  return {
    ...plain,
    broker: async (environment) => {
      const broker = await memoryFixture.broker(environment);
      connections.clear();
      return {
        name: broker.name,
        connect: async (options) => {
          const connection = await broker.connect(options);
          connections.add(connection);
          return connection;
        },
      };
    },
    restart: async () => {
      for (const connection of connections) connection.kill("the server restarted");
    },
  } satisfies Fixture<MemoryConnection> as Fixture;
}

it("a server that restarts contradicts no law of a crash", async () => {
  const subject = await examine(restartable());
  const law = laws.find(({ name }) => name === "crash-returns-unsettled");
  if (law === undefined) throw new Error("there is such a law");
  const report = await checkLaw(law, subject, { seed: 1, runs: 100 });
  expect(
    report.counterexample && describeFailure("restartable", report, report.counterexample),
  ).toBeUndefined();
  expect(report).toMatchObject({ verdict: "pass", histories: 100 });
});

it("every law is judged on the memory broker, whose every promise can be seen", {
  timeout: seedMs,
}, async () => {
  const subject = await examine(memoryFixture as Fixture);
  for (const law of laws) {
    const { verdict, judged } = await checkLaw(law, subject, { seed: 4, runs: 20 });
    expect({ law: law.name, verdict, judged: judged > 0 }).toEqual({
      law: law.name,
      verdict: "pass",
      judged: true,
    });
  }
});

describe("the laws", () => {
  it("are listed once each, in the order of their names", () => {
    expect(laws.map(({ name }) => name)).toEqual(lawNames);
  });

  it("have a promise in one sentence each", () => {
    for (const { promise } of laws) expect(promise).toMatch(/^[A-Za-z][^\n]*[^.]\.$/);
    expect(new Set(laws.map(({ promise }) => promise)).size).toBe(laws.length);
  });

  it("are all claimed by the memory broker", async () => {
    const subject = await examine(memoryFixture as Fixture);
    expect(laws.flatMap((law) => law.claim?.(subject) ?? [])).toEqual([]);
  });
});
