import { conformance, type Fixture, type LawName, type LawReport } from "tidelane/conformance";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { jetStreamFixture, natsFixture } from "./fixture.ts";

/** Laws that cannot be asked of either: they need virtual time, or a topic that can be full. */
const neither: readonly LawName[] = ["lanes-work-conserving", "publish-waits", "requeue-keeps-place"];

/** At most once: whatever is about settling, giving back or looking back. */
const notOfSubjects: readonly LawName[] = [
  ...neither,
  "ack-is-final",
  "drop-is-final",
  "requeue-redelivers",
  "nack-after-never-early",
  "delivery-count-grows",
  "single-use",
  "independent-settles",
  "settle-after-revocation",
  "ack-deadline",
  "dead-letter",
  "prefetch-bound",
  "close-returns-unsettled",
  "crash-returns-unsettled",
  "seek-lands",
  "transaction-visibility",
  "pause-holds",
  "drain-finishes",
];

/** A stream sets nothing aside by itself, replies to nobody, and has no transactions. */
const notOfStreams: readonly LawName[] = [
  ...neither,
  "dead-letter",
  "request-reply",
  "forwarded-request-is-answered",
  "transaction-visibility",
];

const runs = 3;

await describeLive("nats", "the laws", (server) => {
  const { address } = server;
  register("subjects", natsFixture({ address }) as Fixture, notOfSubjects);
  register(
    "subjects, over @nats-io",
    natsFixture({ address, client: "@nats-io/transport-node" }) as Fixture,
    notOfSubjects,
  );
  register("streams", jetStreamFixture({ address }) as Fixture, notOfStreams);
  register(
    "streams, over @nats-io",
    jetStreamFixture({ address, client: "@nats-io/transport-node" }) as Fixture,
    notOfStreams,
  );
});

/** A failure prints the seed and the path that play it again. */
function register(what: string, fixture: Fixture, notClaimed: readonly LawName[]): void {
  const results: LawReport[] = [];
  conformance({
    test: (name, body) => it(`${what}: ${name}`, { timeout: 240_000 }, () => body()),
    fixture,
    options: { runs },
    onResult: (law) => results.push(law),
  });

  it(`${what}: no gap, and nothing else is left out than what is listed here; all else was judged`, () => {
    const having = (verdict: LawReport["verdict"]): LawName[] =>
      results.filter((each) => each.verdict === verdict).map(({ law }) => law);
    expect(having("not claimed").sort()).toEqual([...notClaimed].sort());
    expect(having("gap")).toEqual([]);
    expect(having("not judged")).toEqual([]);
  });
}
