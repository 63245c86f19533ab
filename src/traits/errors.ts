import { type DecodeIssue, reasonWithIssues } from "./decode-issue.ts";
import { show } from "./show.ts";

export type { DecodeIssue } from "./decode-issue.ts";

/** Every condition tidelane reports, as a stable string. Codes are public: they change only with a major version. */
export const errorCodes = [
  "TIDELANE_ABORTED",
  "TIDELANE_ALREADY_SETTLED",
  "TIDELANE_CONNECTION_CLOSED",
  "TIDELANE_CONNECT_FAILED",
  "TIDELANE_DECODE",
  "TIDELANE_DELIVERY_LOST",
  "TIDELANE_INTAKE_STALLED",
  "TIDELANE_INVALID_ARGUMENT",
  "TIDELANE_INVALID_MESSAGE",
  "TIDELANE_KEY",
  "TIDELANE_MESSAGES_DROPPED",
  "TIDELANE_MISSING_DEAD_LETTER",
  "TIDELANE_NOT_SUPPORTED",
  "TIDELANE_POSITION_UNAVAILABLE",
  "TIDELANE_PUBLISH_FAILED",
  "TIDELANE_REMOTE",
  "TIDELANE_SETTLE_UNSUPPORTED",
  "TIDELANE_SUBSCRIBER_BUSY",
  "TIDELANE_SUBSCRIPTION_FAILED",
  "TIDELANE_TIMEOUT",
  "TIDELANE_TRANSACTION",
  "TIDELANE_UNKNOWN_OPTION",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Registered globally, so that an error made by another copy of this library is still recognised. */
const brand: unique symbol = Symbol.for("tidelane.error");

export interface TidelaneErrorOptions {
  readonly cause?: unknown;
  readonly [fact: string]: unknown;
}

/**
 * The base of every error this library creates. Facts are fields; the message is one sentence that names what was
 * wrong, where, and what to do.
 *
 * Recognise it with {@link isTidelaneError} rather than `instanceof`: two copies of the library in one process have
 * two classes, and one brand.
 */
export abstract class TidelaneError extends Error {
  abstract readonly code: ErrorCode;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean = false;

  /** The facts become fields. */
  constructor(message: string, facts?: TidelaneErrorOptions) {
    // A reason may be another error's sentence, with its full stop.
    super(message.replace(/([^.])\.(?=\)?\.$|\):)/g, "$1"), facts);
    Object.assign(this, facts);
    this.name = new.target.name;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** Whether `value` is an error of this library, made by any copy of it, and has `code` when one is given. */
export function isTidelaneError(value: unknown, code?: ErrorCode): value is TidelaneError {
  if (typeof value !== "object" || value === null || !(brand in value)) return false;
  return code === undefined || (value as { code?: unknown }).code === code;
}

/** A second settle of the same message. The first one stands; this one never reached the broker. */
export class AlreadySettledError extends TidelaneError {
  readonly code = "TIDELANE_ALREADY_SETTLED";
  declare readonly topic: string;
  declare readonly attempted: string;

  constructor(facts: { topic: string; attempted: string }) {
    super(
      `${facts.attempted}() on a message from "${facts.topic}" that is already settled: a message is settled once.`,
      facts,
    );
  }
}

/**
 * The broker no longer recognises the delivery: its channel, assignment or deadline is gone. A broker that redelivers
 * delivers it again.
 */
export class DeliveryLostError extends TidelaneError {
  readonly code = "TIDELANE_DELIVERY_LOST";
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; cause?: unknown }) {
    super(
      `The delivery from "${facts.topic}" was lost (${facts.reason}): it can no longer be settled.`,
      facts,
    );
  }
}

/** The transport cannot do what the settle asks. Nothing was sent and the message is still unsettled. */
export class SettleUnsupportedError extends TidelaneError {
  readonly code = "TIDELANE_SETTLE_UNSUPPORTED";
  declare readonly topic: string;
  declare readonly settle: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; settle: string; reason: string }) {
    super(`${facts.settle} is not possible for a message from "${facts.topic}": ${facts.reason}.`, facts);
  }
}

/** A second iterator was asked for while the first is active. */
export class SubscriberBusyError extends TidelaneError {
  readonly code = "TIDELANE_SUBSCRIBER_BUSY";
  declare readonly topic: string;

  constructor(facts: { topic: string }) {
    super(
      `The subscriber of "${facts.topic}" already has an active iterator: end that loop first, or open a second subscription.`,
      facts,
    );
  }
}

/** The connection was shut down, or died for good, before or during the call. */
export class ConnectionClosedError extends TidelaneError {
  readonly code = "TIDELANE_CONNECTION_CLOSED";
  declare readonly broker: string;
  declare readonly during: string;

  constructor(facts: { broker: string; during: string; cause?: unknown }) {
    super(`${facts.during} is not possible: the connection to "${facts.broker}" is closed.`, facts);
  }
}

/** `connect()` could not reach the broker or was refused by it. */
export class ConnectFailedError extends TidelaneError {
  readonly code = "TIDELANE_CONNECT_FAILED";
  declare readonly retryable: boolean;
  declare readonly broker: string;
  declare readonly reason: string;

  constructor(facts: { broker: string; reason: string; retryable: boolean; cause?: unknown }) {
    super(`Connecting to "${facts.broker}" failed: ${facts.reason}.`, facts);
  }
}

/** For a while a run has pulled nothing, because deliveries that are retried fill its room. They are retried all the same. */
export class IntakeStalledError extends TidelaneError {
  readonly code = "TIDELANE_INTAKE_STALLED";
  declare readonly topic: string;
  declare readonly inFlight: number;
  /** Of those in flight: retried because they failed, or asked for a retry more than once. */
  declare readonly failing: number;
  /** Set where unfinished work of `afterSettle` is the reason, and how much of it there is. */
  declare readonly continuations?: number;
  declare readonly stalledMs: number;

  constructor(facts: {
    topic: string;
    inFlight: number;
    failing: number;
    continuations?: number;
    stalledMs: number;
  }) {
    const { topic, inFlight, failing, continuations, stalledMs } = facts;
    const why =
      continuations === undefined
        ? `${failing} of ${inFlight} in flight are retried, because their handlers failed or asked for it again, and the others wait. Set maxAttempts in onFailure(), or a larger maxInFlight in workers()`
        : `${continuations} pieces of work given to afterSettle() have not finished. Give that work a time limit`;
    super(`The run of "${topic}" has pulled nothing for ${stalledMs} ms: ${why}.`, facts);
  }
}

/** An outgoing message the transport cannot carry exactly. Nothing was sent. */
export class InvalidMessageError extends TidelaneError {
  readonly code = "TIDELANE_INVALID_MESSAGE";
  declare readonly topic: string;
  declare readonly reason: string;
  /** What the schema of its channel found wrong; empty where it was something else. */
  declare readonly issues: readonly DecodeIssue[];

  constructor(facts: { topic: string; reason: string; issues?: readonly DecodeIssue[]; cause?: unknown }) {
    const issues = facts.issues ?? [];
    const shown = reasonWithIssues(facts.reason, issues);
    super(`The message for ${JSON.stringify(facts.topic)} was not sent: ${shown}.`, { ...facts, issues });
  }
}

/** The broker did not confirm an outgoing message. Whether it has it is not known. */
export class PublishFailedError extends TidelaneError {
  readonly code = "TIDELANE_PUBLISH_FAILED";
  declare readonly retryable: boolean;
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; retryable: boolean; cause?: unknown }) {
    super(`The message for ${JSON.stringify(facts.topic)} was not confirmed: ${facts.reason}.`, facts);
  }
}

/** An argument or option outside its range, named with the value received. */
export class InvalidArgumentError extends TidelaneError {
  readonly code = "TIDELANE_INVALID_ARGUMENT";
  declare readonly argument: string;
  declare readonly expected: string;
  /** As the sentence shows it: the value itself may hold a secret, or a lot of memory. */
  declare readonly received: string;

  constructor(facts: { argument: string; expected: string; received: unknown }) {
    const received = show(facts.received);
    super(`${facts.argument} must be ${facts.expected}; received ${received}.`, { ...facts, received });
  }
}

/** An option nobody reads, so a misspelt one is not silently ignored. */
export class UnknownOptionError extends TidelaneError {
  readonly code = "TIDELANE_UNKNOWN_OPTION";
  /** Where the options were given, as the caller wrote it. */
  declare readonly call: string;
  /** With its path: `reconnect.initalMs`. */
  declare readonly option: string;
  /** The known option it was probably meant to be, without the path. */
  declare readonly nearest: string | undefined;
  /** All there are at that place. */
  declare readonly known: readonly string[];

  constructor(facts: {
    call: string;
    option: string;
    nearest?: string | undefined;
    known?: readonly string[];
  }) {
    const known = facts.known ?? [];
    const advice =
      facts.nearest === undefined
        ? known.length === 0
          ? "it takes none"
          : `the options here are ${known.join(", ")}`
        : `the nearest one is "${facts.nearest}"`;
    super(`${facts.call} has no option "${facts.option}"; ${advice}.`, {
      nearest: undefined,
      ...facts,
      known,
    });
  }
}

/** A payload that could not be turned into a value. Carries every issue the schema reported. */
export class DecodeError extends TidelaneError {
  readonly code = "TIDELANE_DECODE";
  declare readonly topic: string;
  declare readonly issues: readonly DecodeIssue[];
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; issues?: readonly DecodeIssue[]; cause?: unknown }) {
    const issues = facts.issues ?? [];
    const shown = reasonWithIssues(facts.reason, issues);
    super(`A payload from "${facts.topic}" did not decode: ${shown}.`, { ...facts, issues });
  }
}

/** The key function threw or did not return a string, so the delivery has no lane. */
export class KeyError extends TidelaneError {
  readonly code = "TIDELANE_KEY";
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; cause?: unknown }) {
    super(`No key for a message from "${facts.topic}": ${facts.reason}.`, facts);
  }
}

/** A handler asked for a dead letter, and the pipeline has no place to put one. */
export class MissingDeadLetterError extends TidelaneError {
  readonly code = "TIDELANE_MISSING_DEAD_LETTER";
  declare readonly topic: string;

  constructor(facts: { topic: string }) {
    super(
      `A handler of "${facts.topic}" returned deadLetter(), but the pipeline has no dead letter topic: name one in onFailure({ deadLetter }).`,
      facts,
    );
  }
}

/** Messages came faster than they were taken, from a transport that cannot wait, and did not fit. They are gone. */
export class MessagesDroppedError extends TidelaneError {
  readonly code = "TIDELANE_MESSAGES_DROPPED";
  declare readonly topic: string;
  /** Since the last report, and since the subscription opened. */
  declare readonly dropped: number;
  declare readonly total: number;
  declare readonly reason: string;

  constructor(facts: { topic: string; dropped: number; total: number; reason: string }) {
    super(
      `${facts.dropped} messages from "${facts.topic}" were dropped (${facts.total} in all): ${facts.reason}.`,
      facts,
    );
  }
}

/** The broker does not have the capability that was asked for. */
export class NotSupportedError extends TidelaneError {
  readonly code = "TIDELANE_NOT_SUPPORTED";
  declare readonly capability: string;
  declare readonly reason: string;

  constructor(facts: { capability: string; reason: string; cause?: unknown }) {
    super(`${facts.capability} is not supported here: ${facts.reason}.`, facts);
  }
}

/** A seek to a position the log does not hold. The subscriber has not moved. */
export class PositionUnavailableError extends TidelaneError {
  readonly code = "TIDELANE_POSITION_UNAVAILABLE";
  declare readonly topic: string;
  declare readonly position: string;
  declare readonly available: string;

  constructor(facts: { topic: string; position: string; available: string }) {
    super(`"${facts.topic}" cannot seek to ${facts.position}: available is ${facts.available}.`, facts);
  }
}

/** A fault the adapter could not recover from ended the subscription. */
export class SubscriptionFailedError extends TidelaneError {
  readonly code = "TIDELANE_SUBSCRIPTION_FAILED";
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; cause?: unknown }) {
    super(`The subscription of "${facts.topic}" ended: ${facts.reason}.`, facts);
  }
}

/** Something did not happen within the time the caller gave it. */
export class TimeoutError extends TidelaneError {
  readonly code = "TIDELANE_TIMEOUT";
  override readonly retryable: boolean = true;
  declare readonly timeoutMs: number;
  declare readonly what: string;

  constructor(facts: { what: string; timeoutMs: number }) {
    super(`${facts.what} did not finish within ${facts.timeoutMs} ms.`, facts);
  }
}

/** The responder of a request answered with an error. Its stack stays where it was thrown. */
export class RemoteError extends TidelaneError {
  readonly code = "TIDELANE_REMOTE";
  declare readonly topic: string;
  /** The `code` of the error at the responder, or "ERROR" where it had none. */
  declare readonly remoteCode: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; remoteCode: string; reason: string }) {
    super(`The responder of "${facts.topic}" failed with ${facts.remoteCode}: ${facts.reason}.`, facts);
  }
}

/** Misuse or failure of a transaction. Nothing of it is visible. */
export class TransactionError extends TidelaneError {
  readonly code = "TIDELANE_TRANSACTION";
  declare readonly reason: string;

  constructor(facts: { reason: string; cause?: unknown }) {
    super(`The transaction did not commit: ${facts.reason}.`, facts);
  }
}

/** The caller's `AbortSignal` fired. `cause` is the signal's reason. */
export class AbortedError extends TidelaneError {
  readonly code = "TIDELANE_ABORTED";
  declare readonly what: string;

  constructor(facts: { what: string; cause?: unknown }) {
    super(`${facts.what} was aborted by its signal.`, facts);
  }
}

/** Throws {@link AbortedError} when `signal` has fired already. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError({ what, cause: signal.reason });
}
