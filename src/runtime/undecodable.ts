import { DecodeError, isTidelaneError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";
import { isThenable } from "./thenable.ts";
import { messageOf } from "./thrown.ts";

/** What a decoder threw, as the error that says whose payload it was. */
export function toDecodeError(message: Message, cause: unknown): DecodeError {
  if (isTidelaneError(cause, "TIDELANE_DECODE")) return cause as DecodeError;
  return new DecodeError({
    topic: message.topic,
    reason: `the codec failed: ${messageOf(cause)}`,
    cause,
  });
}

/** Sets the value of a delivery, or says why there is none. The promise, where there is one, never rejects. */
export function decodeInto<M extends Message, Value>(
  delivery: Delivery<M, Value>,
  decode: (message: M) => Value | Promise<Value>,
  failed: (delivery: Delivery<M, Value>, error: DecodeError) => void,
): Promise<void> | undefined {
  try {
    const value = decode(delivery.message);
    if (isThenable(value)) return decodeLate(delivery, value, failed);
    delivery.value = value;
    delivery.decoded = true;
  } catch (error) {
    failed(delivery, toDecodeError(delivery.message, error));
  }
  return undefined;
}

async function decodeLate<M extends Message, Value>(
  delivery: Delivery<M, Value>,
  value: PromiseLike<Value>,
  failed: (delivery: Delivery<M, Value>, error: DecodeError) => void,
): Promise<void> {
  try {
    delivery.value = await value;
    delivery.decoded = true;
  } catch (error) {
    failed(delivery, toDecodeError(delivery.message, error));
  }
}
