/** Every condition tidelane reports, as a stable string. Codes are public: they change only with a major version. */
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
