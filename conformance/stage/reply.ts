import {
  type HeadersInit,
  isTidelaneError,
  type Message,
  type OutgoingMessage,
} from "../../src/traits/index.ts";
import { showBytes } from "../model/fidelity.ts";
import { nameOfError } from "../model/settling.ts";
import type { Stage } from "./stage.ts";

const law = ["request-reply"] as const;

/** The reply to the request of this number: bytes that are no text, a header beside the correlation, sometimes a key. */
export function replyFor(
  index: number,
  topic: string,
  headers: Readonly<Record<string, string>>,
): OutgoingMessage {
  const marked: HeadersInit = { ...headers, "x-reply": `reply ${index}` };
  const message = { topic, payload: payloadFor(index), headers: marked };
  return index % 2 === 0 ? { ...message, key: "a" } : message;
}

function payloadFor(index: number): Uint8Array {
  return Uint8Array.of(0xff, index, 0);
}

/** Which request this reply was made for, by its payload. */
export function isReplyFor(index: number, { payload }: Message): boolean {
  return Buffer.from(payload).equals(payloadFor(index));
}

/** A reply arrives as it was published, and has nothing to settle. */
export async function checkReply(stage: Stage, index: number, reply: Message): Promise<void> {
  const fault = contentFault(index, reply);
  if (fault !== undefined) {
    stage.violate(law, `the reply to request ${index} ${fault}`, "a reply arrives as published");
  }
  if (reply.settled || reply.revoked !== undefined || reply.signal.aborted) {
    const observed = `the reply to request ${index} is settled, or revoked, before anybody settles it`;
    stage.violate(law, observed, "it is nobody's but the requester's");
  }
  await expect(stage, `nack() on the reply to request ${index}`, reply.nack(), "TIDELANE_SETTLE_UNSUPPORTED");
  const how = index % 2 === 0 ? "ack()" : "a drop";
  const settle = (): Promise<void> => (index % 2 === 0 ? reply.ack() : reply.nack({ requeue: false }));
  await expect(stage, `${how} on the reply to request ${index}`, settle());
  await expect(
    stage,
    `a second settle of the reply to request ${index}`,
    settle(),
    "TIDELANE_ALREADY_SETTLED",
  );
  if (reply.signal.aborted) {
    stage.violate(law, `the signal of the reply to request ${index} has aborted`, "it was settled");
  }
}

function contentFault(index: number, reply: Message): string | undefined {
  if (!isReplyFor(index, reply)) {
    return `has the payload ${showBytes(reply.payload)} instead of ${showBytes(payloadFor(index))}`;
  }
  const header = reply.headers.get("x-reply");
  if (header !== `reply ${index}`) return `has the header x-reply: ${header}`;
  const key = index % 2 === 0 ? "a" : undefined;
  return reply.partitionKey === key ? undefined : `has the key ${reply.partitionKey} instead of ${key}`;
}

async function expect(
  stage: Stage,
  what: string,
  answer: Promise<void>,
  code?: "TIDELANE_SETTLE_UNSUPPORTED" | "TIDELANE_ALREADY_SETTLED",
): Promise<void> {
  const error = await answer.then(
    () => undefined,
    (reason: unknown) => reason ?? new Error("nothing"),
  );
  if (code === undefined ? error === undefined : isTidelaneError(error, code)) return;
  const observed = `${what} ${error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`}`;
  const expected = "an ack or a drop of a reply resolves once, and a requeue rejects as unsupported";
  stage.violate(law, observed, expected);
}
