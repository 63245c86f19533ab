import { DecodeError, isTidelaneError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
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
