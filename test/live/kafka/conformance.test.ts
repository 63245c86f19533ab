import { conformance, type Fixture, type LawName, type LawReport } from "tidelane/conformance";
import { expect, it } from "vitest";
import { externalServer } from "../../../scripts/brokers/servers.ts";
import { describeLive } from "../describe-live.ts";
import { type KafkaFixtureOptions, kafkaFixture, quickServer } from "./fixture.ts";

/** They need virtual time, a topic that can be full, a limit per delivery, replies, or dead letters of the server. */
const notClaimed: readonly LawName[] = [
  "ack-deadline",
  "publish-waits",
  "request-reply",
  "forwarded-request-is-answered",
  "dead-letter",
  "lanes-work-conserving",
];

// The group notices a crash after the session timeout. The server's configuration sets the smallest one.
const given = await externalServer("kafka");
const sessionTimeoutMs = given === undefined ? 1_000 : 6_000;

await describeLive(
  "kafka",
  "the laws",
  (server) => {
    const { address } = given ?? server;
    register("one partition", 2, { address, sessionTimeoutMs }, notClaimed);
    register(
      "four partitions",
      1,
      { address, sessionTimeoutMs, partitions: 4 },
      [...notClaimed, "requeue-keeps-place"],
      ["seek-lands"],
    );
  },
  given === undefined ? { own: true, config: quickServer } : {},
);

/** A failure prints the seed and the path that play it again. */
function register(
  what: string,
  runs: number,
  options: KafkaFixtureOptions,
  left: readonly LawName[],
  gaps: readonly LawName[] = [],
): void {
  const results: LawReport[] = [];
  conformance({
    test: (name, body) => it(`${what}: ${name}`, { timeout: 180_000 }, () => body()),
    fixture: kafkaFixture(options) as Fixture,
    options: { runs },
    onResult: (law) => results.push(law),
  });

  it(`${what}: the gaps, and what is not claimed, are those listed here; all else was judged`, () => {
    const having = (verdict: LawReport["verdict"]): LawName[] =>
      results.filter((each) => each.verdict === verdict).map(({ law }) => law);
    expect(having("gap").sort()).toEqual([...gaps].sort());
    expect(having("not claimed").sort()).toEqual([...left].sort());
    expect(having("not judged")).toEqual([]);
  });
}
