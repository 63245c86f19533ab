import type { Arbitrary } from "fast-check";
import { type HeaderValue, headerNames, type Message } from "../../src/traits/index.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { showBytes } from "../model/fidelity.ts";
import { Relay } from "../stage/relay.ts";
import type { Stage } from "../stage/stage.ts";

const name = "republish-keeps-headers";
const hops = ["A", "B", "C"] as const;

type Header = readonly [name: string, value: string];

interface Case {
  readonly key: string | undefined;
  readonly headers: readonly Header[];
}

/** What others go by when they get a copy: how often it was handled, what it belongs to, and how to read it. */
const headers: Arbitrary<Header[]> = fc.uniqueArray(
  fc.oneof(
    fc.nat({ max: 12 }).map((count): Header => [headerNames.retryCount, String(count)]),
    fc.constantFrom<Header[]>(
      [headerNames.retryTopic, "orders"],
      [headerNames.contentType, "application/json"],
      [headerNames.correlationId, "order 7"],
      [headerNames.messageId, "m-1"],
      [headerNames.traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
      [headerNames.deadLetterReason, "no such customer"],
      ["x-a", "1"],
      ["x-a", ""],
    ),
  ),
  { maxLength: 5, selector: ([header]) => header },
);

export const republishKeepsHeaders: Law = {
  name,
  promise:
    "A message that is published again with its headers and its key arrives with the same: how often it was handled, what it belongs to, its key.",
  property: scenario<Case>(({ capabilities }) => ({
    topics: { A: {}, B: {}, C: {} },
    cases: fc.record({
      key: capabilities.partitionKey ? fc.constantFrom("a", undefined) : fc.constant(undefined),
      headers,
    }),
    play: async (stage, { key, headers: published }) => {
      const connection = await stage.connect();
      const stops = [];
      for (const topic of hops) {
        const stop = await connection.open({ topic, options: { group: "g" } });
        if (stop !== undefined) stops.push(stop);
      }
      const said = published.map(([header, value]) => `${header}: ${JSON.stringify(value)}`).join(", ");
      stage.trace.line(`publish to A, key ${JSON.stringify(key)}, headers ${said || "none"}`);
      const message = { topic: stage.topic("A"), payload: "1", headers: published };
      await connection.publisher.publish(key === undefined ? message : { ...message, key });
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
  for (const [header, value] of published.headers) {
    const values = came.headers.getAll(header);
    if (values.length === 1 && textOf(values[0]) === value) continue;
    violate(`the header ${header}`, values.map(showValue).join(" and ") || "nothing", JSON.stringify(value));
  }
  const keys = came.headers.getAll(headerNames.partitionKey);
  if (keys.length > 1) violate("several keys", keys.map(showValue).join(" and "), "one");
  if (came.partitionKey !== published.key)
    violate("the key", String(came.partitionKey), String(published.key));
}

function textOf(value: HeaderValue | undefined): string | undefined {
  return value === undefined || typeof value === "string" ? value : new TextDecoder().decode(value);
}

function showValue(value: HeaderValue): string {
  return typeof value === "string" ? JSON.stringify(value) : showBytes(value);
}
