import { checkCount } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { InvalidMessageError } from "../../../traits/errors.ts";
import { checkOutgoing } from "../../../traits/outgoing.ts";
import type { OutgoingMessage } from "../../../traits/publisher.ts";
import type { ClientMessage } from "../client.ts";
import { bufferOf, headersFor } from "./headers.ts";
import { tombstone } from "./tombstone.ts";
import { isTopicName } from "./topics.ts";

/**
 * A message for Kafka. Its key is the record key, in UTF-8. The payload `tombstone` makes a record with a null
 * value.
 */
export interface KafkaOutgoingMessage extends OutgoingMessage {
  /** The partition to write to. @default by the key; without one, any */
  readonly partition?: number;
  /** The timestamp of the record, in milliseconds since 1970. @default now */
  readonly timestampMs?: number;
}

const carriage = { keyHeader: false, more: { partition: true, timestampMs: true } } as const;

/** Throws `InvalidMessageError`. */
export function toClientMessage(
  message: KafkaOutgoingMessage,
  capabilities: PublisherCapabilities,
): { readonly topic: string; readonly message: ClientMessage } {
  const { topic, payload, headers, key } = checkOutgoing(message, capabilities, carriage);
  checkKafkaTopic(topic);
  const result: ClientMessage = {
    key: key === undefined ? null : Buffer.from(key),
    value: payload === tombstone ? null : bufferOf(payload),
    headers: headersFor(headers),
  };
  const { partition, timestampMs } = message;
  if (partition !== undefined) result.partition = checkNumber(topic, "partition", partition);
  if (timestampMs !== undefined) result.timestamp = String(checkNumber(topic, "timestampMs", timestampMs));
  return { topic, message: result };
}

/** Throws `InvalidMessageError`. */
export function checkKafkaTopic(topic: string): void {
  if (typeof topic === "string" && isTopicName(topic)) return;
  const reason = "a topic of Kafka has 1 to 249 letters, digits, dots, underscores and dashes";
  throw new InvalidMessageError({ topic: String(topic), reason });
}

function checkNumber(topic: string, name: string, value: number): number {
  try {
    return checkCount(name, value, 0);
  } catch (cause) {
    throw new InvalidMessageError({
      topic,
      reason: `its ${name} is not a whole number of at least 0`,
      cause,
    });
  }
}
