import { isDeepStrictEqual } from "node:util";
import { isTidelaneError, type Message, type SubscriptionSource } from "../../src/traits/index.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import { settle } from "./settle.ts";
import type { Stage } from "./stage.ts";
import type { SubscriberActor } from "./subscriber-actor.ts";

const law = ["capabilities-match"] as const;

/** `takeReady` at its edges, and with what it refuses. */
export async function checkTakeReady(
  stage: Stage,
  connection: ConnectionActor,
  subscriber: SubscriberActor,
): Promise<void> {
  for (let left = 3; left > 0; left -= 1) await stage.step(() => connection.publish({ topic: "A" }));
  for (const max of [0, 1, Number.POSITIVE_INFINITY]) await stage.step(() => subscriber.take(max));
  const invalid: readonly unknown[] = [-1, 1.5, Number.NaN, "1", undefined];
  for (const max of invalid) await stage.step(() => subscriber.takeInvalid(max as number));
  await settleAll(stage);
  for (let pulls = 3; pulls > 0 && stage.ledger.owed(subscriber.seat.group).length > 0; pulls -= 1)
    await pullOn(stage, subscriber);
}

async function pullOn(stage: Stage, subscriber: SubscriberActor): Promise<void> {
  if (subscriber.waiting === 0) await stage.step(() => subscriber.pull());
  await settleAll(stage);
}

async function settleAll(stage: Stage): Promise<void> {
  for (const delivery of stage.held()) await stage.step(() => settle(stage, delivery, "ack"));
}

/** The usual source of a topic is one of that topic, with a group or without, or is refused for what it asks. */
export function checkUsualSource(stage: Stage): void {
  const topic = stage.topic("A");
  for (const options of [undefined, { group: "g" }]) {
    const observed = usualSourceFault(() => stage.broker.source?.(topic, options), topic);
    if (observed === undefined) continue;
    const asked = options === undefined ? "source(topic)" : 'source(topic, { group: "g" })';
    const expected = "it is a source of that topic, with its capabilities, or NotSupportedError is thrown";
    stage.violate(law, `${asked} ${observed}`, expected);
  }
}

function usualSourceFault(ask: () => SubscriptionSource | undefined, topic: string): string | undefined {
  try {
    const source = ask();
    if (source === undefined || (source.topic === topic && isDescribed(source.capabilities)))
      return undefined;
    return `gives a source of "${source.topic}", with capabilities of type ${typeof source.capabilities}`;
  } catch (error) {
    return isTidelaneError(error, "TIDELANE_NOT_SUPPORTED") ? undefined : `threw ${nameOfError(error)}`;
  }
}

function isDescribed(capabilities: unknown): boolean {
  return typeof capabilities === "object" && capabilities !== null && "settlement" in capabilities;
}

/** `text()` and `json()` say what the bytes say, or that they say nothing. */
export async function checkReads(
  stage: Stage,
  connection: ConnectionActor,
  subscriber: SubscriberActor,
): Promise<void> {
  const value = { a: [1, "\u00e9"] };
  const text = JSON.stringify(value);
  const message = await passOn(stage, connection, subscriber, new TextEncoder().encode(text));
  if (message !== undefined) {
    expectRead(stage, "text()", () => message.text(), text);
    expectRead(stage, "json()", () => message.json(), value);
  }
  const bytes = await passOn(stage, connection, subscriber, Uint8Array.of(0xff, 0xfe));
  if (bytes === undefined) return;
  expectRead(stage, "text() of bytes that are not UTF-8", () => bytes.text());
  expectRead(stage, "json() of bytes that are not UTF-8", () => bytes.json());
}

/** A message with this payload, as it arrives; acked. Undefined where the broker carries no such payload. */
async function passOn(
  stage: Stage,
  connection: ConnectionActor,
  subscriber: SubscriberActor,
  payload: Uint8Array,
): Promise<Message | undefined> {
  await stage.step(() => connection.publish({ topic: "A", payload, bare: true }));
  const id = stage.messages;
  await pullOn(stage, subscriber);
  return stage.ledger.deliveries.find(({ copy }) => copy.posting.id === id)?.message;
}

/** Without `expected` it is to throw `DecodeError`. */
function expectRead(stage: Stage, what: string, read: () => unknown, expected?: unknown): void {
  let observed: string;
  try {
    const value = read();
    if (expected !== undefined && isDeepStrictEqual(value, expected)) return;
    observed = `gave ${JSON.stringify(value)}`;
  } catch (error) {
    if (expected === undefined && isTidelaneError(error, "TIDELANE_DECODE")) return;
    observed = `threw ${nameOfError(error)}`;
  }
  const promised = expected === undefined ? "it throws DecodeError" : `it gives ${JSON.stringify(expected)}`;
  stage.violate(law, `${what} ${observed}`, promised);
}

/** `checkTopic` answers as a publish would. */
export async function checkTopics(stage: Stage, connection: ConnectionActor): Promise<void> {
  const { publisher } = connection;
  if (publisher.checkTopic === undefined) return;
  await stage.step(() => connection.checkTopic("A"));
  await refuses(stage, 'checkTopic("")', publisher.checkTopic(""), "TIDELANE_INVALID_MESSAGE");
  const aborted = publisher.checkTopic(stage.topic("A"), { signal: AbortSignal.abort() });
  await refuses(stage, "checkTopic() with a signal that had fired", aborted, "TIDELANE_ABORTED");
}

async function refuses(
  stage: Stage,
  what: string,
  answer: Promise<void>,
  code: "TIDELANE_INVALID_MESSAGE" | "TIDELANE_ABORTED",
): Promise<void> {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isTidelaneError(error, code)) return;
  const observed = `${what} ${error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`}`;
  stage.violate(law, observed, "it rejects as a publish would");
}
