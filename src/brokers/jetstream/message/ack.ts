import type { ServerConnection } from "../../nats/client.ts";

/** What the reply subject of a delivery says. */
export interface DeliveryInfo {
  readonly stream: string;
  readonly consumer: string;
  /** How often it was delivered, 1 on the first. */
  readonly deliveries: number;
  /** In the stream, from 1. */
  readonly sequence: number;
  /** Counts the deliveries of the consumer, from 1, those that are repeated too. */
  readonly consumerSequence: number;
  /** Milliseconds since 1970. The server sends nanoseconds, which a number cannot hold exactly. */
  readonly storedAt: number;
  /** How many the consumer has still to deliver after it. */
  readonly pending: number;
}

/**
 * Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<consumer sequence>.<nanoseconds>.<pending>`, or the newer
 * form with a domain and an account before the stream, and more at the end. Undefined for any other subject.
 */
export function readAckSubject(reply: string | undefined): DeliveryInfo | undefined {
  if (!reply?.startsWith("$JS.ACK.")) return undefined;
  const tokens = reply.split(".");
  const first = tokens.length === 9 ? 2 : 4;
  if (tokens.length < 9 || tokens.length === 10) return undefined;
  const [stream = "", consumer = "", deliveries, sequence, delivery, stored, pending] = tokens.slice(first);
  const facts = {
    stream,
    consumer,
    deliveries: Number(deliveries),
    sequence: Number(sequence),
    consumerSequence: Number(delivery),
    storedAt: Number(stored) / 1e6,
    pending: Number(pending),
  };
  return Number.isSafeInteger(facts.sequence) && Number.isSafeInteger(facts.deliveries) ? facts : undefined;
}

const encoder = new TextEncoder();

/** What is sent to the reply subject of a delivery, under the names of the NATS documentation. */
export const acks: Readonly<Record<"ack" | "nak" | "term" | "inProgress", Uint8Array>> = {
  ack: encoder.encode("+ACK"),
  nak: encoder.encode("-NAK"),
  term: encoder.encode("+TERM"),
  inProgress: encoder.encode("+WPI"),
};

/** With a delay or without. */
export function isNak(ack: Uint8Array): boolean {
  return ack[0] === acks.nak[0];
}

const longestDelay = 2n ** 63n - 1n;

export function nakAfter(delayMs: number): Uint8Array {
  if (delayMs === 0) return acks.nak;
  const nanoseconds = BigInt(Math.ceil(Math.min(delayMs, Number.MAX_SAFE_INTEGER))) * 1_000_000n;
  return encoder.encode(`-NAK {"delay":${nanoseconds < longestDelay ? nanoseconds : longestDelay}}`);
}

/** A server before 2.10.4 ignores a term with a reason. */
export function termFor(reason: string): Uint8Array {
  return encoder.encode(`+TERM ${reason}`);
}

/** Whether a server of this version accepts a reason with a term: from 2.10.4 on. */
export function supportsTermReason(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return major > 2 || (major === 2 && (minor > 10 || (minor === 10 && patch >= 4)));
}

/** Acks wait for those that follow in the same turn. Naks are sent at once, so that others get the message soon. */
export function sendAck(
  server: Pick<ServerConnection, "publish" | "publishBatched">,
  subject: string,
  ack: Uint8Array,
): void {
  if (ack === acks.ack) server.publishBatched(subject, ack);
  else server.publish(subject, ack);
}

/** If the ack does not get through, the ack deadline has the same effect. */
export function sendAckIfConnected(
  server: Pick<ServerConnection, "publish">,
  subject: string,
  ack: Uint8Array,
): void {
  try {
    server.publish(subject, ack);
  } catch {
    // The connection is closed or closing.
  }
}
