import { conformance, type Fixture, type LawName, type LawReport } from "tidelane/conformance";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { type RabbitmqFixtureOptions, rabbitmqFixture } from "./fixture.ts";

/** They need virtual time, a topic that can be full, a log, transactions, or a consumer that can be paused. */
const notClaimed: readonly LawName[] = [
  "requeue-keeps-place",
  "ack-deadline",
  "publish-waits",
  "seek-lands",
  "transaction-visibility",
  "pause-holds",
  "lanes-work-conserving",
];

const gaps: readonly LawName[] = ["dead-letter"];

await describeLive("rabbitmq", "the laws", ({ address }) => {
  register("quorum queues", 3, { address }, notClaimed);
  register(
    "classic queues, and connections that stay away",
    2,
    {
      address,
      type: "classic",
      afterKill: "closed",
    },
    [...notClaimed, "delivery-count-grows"],
  );
});

/** A failure prints the seed and the path that play it again. */
function register(
  what: string,
  runs: number,
  options: RabbitmqFixtureOptions,
  left: readonly LawName[],
): void {
  const results: LawReport[] = [];
  conformance({
    test: (name, body) => it(`${what}: ${name}`, { timeout: 120_000 }, () => body()),
    fixture: rabbitmqFixture(options) as Fixture,
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
