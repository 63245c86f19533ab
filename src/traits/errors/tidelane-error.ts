/** The code of every error that tidelane makes. A code changes only with a major version. */
export const errorCodes = [
  "TIDELANE_ABORTED",
  "TIDELANE_ALREADY_SETTLED",
  "TIDELANE_CONNECTION_CLOSED",
  "TIDELANE_CONNECT_FAILED",
  "TIDELANE_DECODE",
  "TIDELANE_DELIVERY_REVOKED",
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

/** The facts of an error. They become its fields. */
export interface TidelaneErrorOptions {
  readonly cause?: unknown;
  readonly [fact: string]: unknown;
}

/**
 * The base of every error that tidelane makes. The message is one sentence: what was wrong, where, and what to do.
 * The facts in it are fields too.
 *
 * To recognize one, use {@link isTidelaneError} instead of `instanceof`, because a process may hold two copies of
 * the library.
 */
export abstract class TidelaneError extends Error {
  abstract readonly code: ErrorCode;
  /** Whether the same call may succeed later, without a change. */
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

/**
 * Whether `value` is an error of tidelane, made by any copy of the library. With `code`, whether it also has that
 * code.
 */
export function isTidelaneError(value: unknown, code?: ErrorCode): value is TidelaneError {
  if (typeof value !== "object" || value === null || !(brand in value)) return false;
  return code === undefined || (value as { code?: unknown }).code === code;
}
