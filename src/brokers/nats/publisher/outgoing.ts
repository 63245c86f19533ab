import { checkName } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import {
  InvalidArgumentError,
  InvalidMessageError,
  isTidelaneError,
  PublishFailedError,
} from "../../../traits/errors.ts";
import { headerNames } from "../../../traits/headers.ts";
import { type CheckedMessage, checkOutgoing } from "../../../traits/outgoing.ts";
import type { OutgoingMessage } from "../../../traits/publisher.ts";
import { RequestFault, textOf } from "../errors.ts";
import { checkHeaders, headerFault } from "../message/headers.ts";
import { subjectFault } from "../message/subject.ts";

/** The header that carries the key, for which the protocol has no field. */
export interface KeyHeaderOption {
  readonly keyHeader: string;
}

export function checkKeyHeader(options: { readonly keyHeader?: string }): KeyHeaderOption {
  const { keyHeader = headerNames.partitionKey } = options;
  const fault = headerFault(checkName("options.keyHeader", keyHeader), "");
  if (fault === undefined && !keyHeader.includes(":")) return { keyHeader };
  const expected = `the name of a header; this one ${fault ?? "has a colon"}`;
  throw new InvalidArgumentError({ argument: "options.keyHeader", expected, received: keyHeader });
}

/** Checks a message against what NATS can carry. Throws `InvalidMessageError`; nothing has been sent then. */
export function checkMessage(
  message: OutgoingMessage,
  limits: PublisherCapabilities,
  keyOption: KeyHeaderOption,
): CheckedMessage {
  const checked = checkOutgoing(message, limits, keyOption);
  const { topic, payload, headers } = checked;
  const fault = subjectFault(topic);
  if (fault !== undefined) throw new InvalidMessageError({ topic, reason: fault });
  const headerBytes = checkHeaders(topic, headers);
  if (headerBytes + payload.byteLength > limits.maxPayloadBytes) {
    const reason = `its headers have ${headerBytes} bytes and its payload ${payload.byteLength}, and the server's limit for both is ${limits.maxPayloadBytes}`;
    throw new InvalidMessageError({ topic, reason });
  }
  return checked;
}

/** The error with which a publish rejects. */
export function publishError(topic: string, error: unknown): unknown {
  if (error instanceof RequestFault) {
    const retryable = error.kind !== "refused";
    return new PublishFailedError({ topic, reason: error.message, retryable, cause: error.cause });
  }
  // Errors of ours say all there is to say; what else is thrown is the client's.
  if (isTidelaneError(error)) return error;
  return new PublishFailedError({ topic, reason: textOf(error), retryable: false, cause: error });
}
