import { conformance, type Fixture, type LawName, type LawReport, lawNames } from "tidelane/conformance";
import { expect, it } from "vitest";
import { externalServer } from "../../../scripts/brokers/servers.ts";
import { describeLive } from "../describe-live.ts";
import { type KafkaFixtureOptions, kafkaFixture, quickServer } from "./fixture.ts";

/** They need virtual time, a topic that can be full, a limit per delivery, replies, or dead letters of the server. */
const notClaimed: readonly LawName[] = [
  "ack-deadline",
  "publish-waits",
  "request-reply",
  "dead-letter",
  "lanes-work-conserving",
];

/**
 * Where a member that joins takes partitions, what was out of them and unsettled is lost after drainMs. The laws that
 * count deliveries take that for a loss nobody caused, so these are the ones that do not.
 */
const ofSeveralPartitions: readonly LawName[] = [
  "payload-fidelity",
  "header-fidelity",
  "key-order",
  "topic-isolation",
  "pattern",
];

// n.b. a crash shows after the session timeout, whose least value is the server's own configuration.
const given = await externalServer("kafka");
const sessionTimeoutMs = given === undefined ? 1_000 : 6_000;

await describeLive(
  "kafka",
  "the laws",
  (server) => {
    const { address } = given ?? server;
    register("one partition", 2, { address, sessionTimeoutMs }, lawNames, notClaimed);
    register("four partitions", 2, { address, sessionTimeoutMs, partitions: 4 }, ofSeveralPartitions, []);
  },
  given === undefined ? { own: true, config: quickServer } : {},
);

/** A failure prints the seed and the path that play it again. */
function register(
  what: string,
  runs: number,
  options: KafkaFixtureOptions,
  laws: readonly LawName[],
  left: readonly LawName[],
): void {
  const results: LawReport[] = [];
  conformance({
    test: (name, body) => it(`${what}: ${name}`, { timeout: 180_000 }, () => body()),
    fixture: kafkaFixture(options) as Fixture,
    options: { runs, laws },
    onResult: (law) => results.push(law),
  });

  it(`${what}: the gaps, and what is not claimed, are those listed here`, () => {
    const having = (verdict: LawReport["verdict"]): LawName[] =>
      results.filter((each) => each.verdict === verdict).map(({ law }) => law);
    expect(having("gap")).toEqual([]);
    expect(having("not claimed").sort()).toEqual([...left].sort());
  });
}
