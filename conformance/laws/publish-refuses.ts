import type { Arbitrary } from "fast-check";
import type { OutgoingMessage } from "../../src/traits/index.ts";
import { largestTried } from "../content/payloads.ts";
import { history } from "../engine/history.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { openConnections, publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { ack } from "../steps/settling.ts";
import { Step } from "../steps/step.ts";
import type { Subject } from "../subject.ts";

type Spoil = readonly [how: string, spoil: (message: OutgoingMessage) => OutgoingMessage];

const wide = Uint16Array.of(1, 2);

function header(name: string, value: string | Uint8Array): (message: OutgoingMessage) => OutgoingMessage {
  return (message) => ({
    ...message,
    headers: [...(message.headers as Iterable<[string, string]>), [name, value]],
  });
}

/** What no transport may carry, and what this one says it does not. */
function faults({ fixture, publisher }: Subject): Spoil[] {
  const found: Spoil[] = [
    ["CR LF in a header value", header("x", "1\r\nset: 2")],
    ["NUL in a header value", header("x", "a\u0000b")],
    ["a line break in a header name", header("x\n", "1")],
    ["a header without a name", header("", "1")],
    ["a lone surrogate in a header value", header("x", "\ud800")],
    ["a lone surrogate in a header name", header("x\udc00", "1")],
    ["a number for a header value", header("x", 7 as unknown as string)],
    ["a lone surrogate in its key", (message) => ({ ...message, key: "a\ud800" })],
    ["a line break in its key", (message) => ({ ...message, key: "a\nb" })],
    ["a number for a key", (message) => ({ ...message, key: 7 as unknown as string })],
    ["a lone surrogate in its payload", (message) => ({ ...message, payload: "a\ud800" })],
    ["a lone surrogate in its topic", (message) => ({ ...message, topic: `${message.topic}\ud800` })],
    ["an empty topic", (message) => ({ ...message, topic: "" })],
    ["a line break in its topic", (message) => ({ ...message, topic: `${message.topic}\n` })],
    ["a number for a payload", (message) => ({ ...message, payload: 7 as unknown as string })],
    [
      "larger numbers than bytes for a payload",
      (message) => ({ ...message, payload: wide as unknown as Uint8Array }),
    ],
  ];
  const { maxPayloadBytes } = publisher;
  if (maxPayloadBytes < largestTried) {
    const large = new Uint8Array(maxPayloadBytes + 1);
    found.push(["a payload one byte over the limit", (message) => ({ ...message, payload: large })]);
    // Fewer characters than the limit has bytes.
    const text = "é".repeat(Math.floor(maxPayloadBytes / 2) + 1);
    found.push(["text of more bytes than the limit", (message) => ({ ...message, payload: text })]);
  }
  if (publisher.headerValues === "text") found.push(["bytes in a header", header("x", Uint8Array.of(255))]);
  if (!publisher.duplicateHeaders) {
    found.push(["a header twice", (message) => header("X-A", "2")(header("x-a", "1")(message))]);
  }
  const { patterns } = fixture;
  if (patterns !== undefined) {
    const wildcard = (message: OutgoingMessage): string =>
      `${message.topic}${patterns.separator}${patterns.one}`;
    found.push(["a wildcard in its topic", (message) => ({ ...message, topic: wildcard(message) })]);
  }
  return found;
}

function publishInvalid(subject: Subject): Arbitrary<Step> {
  return fc.constantFrom(...faults(subject)).map(
    ([how, spoil]) =>
      new Step({
        name: `publish with ${how}`,
        ready: (stage) => openConnections(stage).length > 0,
        act: (stage) => openConnections(stage)[0]?.publishInvalid(how, spoil),
      }),
  );
}

export const publishRefuses: Law = {
  name: "publish-refuses",
  promise:
    "If the broker cannot carry a message exactly, the publish rejects with InvalidMessageError, and nothing of it arrives.",
  property: history((subject) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [4, publishInvalid(subject)],
      [2, publish()],
      [3, pull],
      [1, ack],
    ],
    maxSteps: 40,
  })),
};
