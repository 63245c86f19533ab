import type { Arbitrary } from "fast-check";
import { headerNames, isTidelaneError, type Message } from "../../src/traits/index.ts";
import { anyKeys } from "../content/contents.ts";
import { type Header, headerLists, isKeyHeader, keyHeaderOf, wellKnown } from "../content/headers.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { headerFault, showValue } from "../model/fidelity.ts";
import { nameOfError } from "../model/settling.ts";
import { describe, isRefusable } from "../stage/outgoing.ts";
import { Relay } from "../stage/relay.ts";
import type { Stage } from "../stage/stage.ts";

const name = "republish-keeps-headers";
const hops = ["A", "B", "C"] as const;

interface Case {
  readonly key: string | undefined;
  readonly headers: readonly Header[];
}

/** What others go by when they get a copy: how often it was handled, what it belongs to, and how to read it. */
const counted: Arbitrary<Header[]> = fc.uniqueArray(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.nat({ max: 12 }).map((count): Header => [headerNames.retryCount, String(count)]),
    },
    { weight: 7, arbitrary: fc.constantFrom<Header[]>(...wellKnown, ["x-a", "1"], ["x-a", ""]) },
  ),
  // Requests have a law of their own.
  { maxLength: 5, selector: ([header]) => header },
);

const cases = (keyed: boolean): Arbitrary<Case> =>
  fc.record({
    key: keyed ? fc.oneof(fc.constantFrom("a", undefined), anyKeys) : fc.constant(undefined),
    headers: fc.oneof({ weight: 3, arbitrary: counted }, { weight: 1, arbitrary: headerLists }),
  });

export const republishKeepsHeaders: Law = {
  name,
  promise:
    "A message that is published again with its headers and its key arrives with the same headers and key, the retry count included.",
  property: scenario<Case>(({ capabilities }) => ({
    topics: { A: {}, B: {}, C: {} },
    cases: cases(capabilities.partitionKey),
    play: async (stage, { key, headers: published }) => {
      const connection = await stage.connect();
      const stops = [];
      for (const topic of hops) {
        const stop = await connection.open({ topic, options: { group: "g" } });
        if (stop !== undefined) stops.push(stop);
      }
      const content = { topic: "A", key, headers: published, unmarked: true };
      const line = stage.trace.line(`publish to A${describe(content)}`);
      const message = { topic: stage.topic("A"), payload: "1", headers: published };
      try {
        await connection.publisher.publish(key === undefined ? message : { ...message, key });
      } catch (error) {
        line.outcome(nameOfError(error));
        const invalid = isTidelaneError(error, "TIDELANE_INVALID_MESSAGE");
        if (invalid && isRefusable(stage.subject, content, message.payload.length)) return;
        stage.violate([name], `the publish rejected with ${nameOfError(error)}`, "it resolves");
        return;
      }
      const relay = new Relay(stage, name, connection.publisher, stops);
      for (const [hop, topic] of hops.entries()) {
        const came = await relay.take(topic);
        if (came === undefined) return;
        check(stage, came, topic, { key, headers: published });
        const next = hops[hop + 1];
        if (next !== undefined) await relay.passOn(came, next);
      }
    },
  })),
};

function check(stage: Stage, came: Message, topic: string, published: Case): void {
  const violate = (what: string, was: string, expected: string): void =>
    stage.violate(
      [name],
      `at ${topic} the message has ${what} ${was}`,
      `it is ${expected}, as it was published`,
    );
  const added = new Set(stage.subject.fixture.headers?.added?.map((each) => each.toLowerCase()));
  const fault = headerFault(published, came, added);
  if (fault !== undefined)
    stage.violate([name], `at ${topic} the message ${fault}`, "headers are as they were published");
  const { key = keyHeaderOf(published.headers) } = published;
  const keys = came.headers.getAll(headerNames.partitionKey);
  const most = Math.max(1, published.headers.filter(([header]) => isKeyHeader(header)).length);
  if (keys.length > most) violate("several keys", keys.map(showValue).join(" and "), "one");
  const isKept = came.partitionKey === published.key || came.partitionKey === key;
  if (!isKept) violate("the key", showKey(came.partitionKey), showKey(key));
}

function showKey(key: string | undefined): string {
  return key === undefined ? "undefined" : showValue(key);
}
