import { show } from "../show.ts";
import { TidelaneError } from "./tidelane-error.ts";

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

/** The broker does not have the capability that was asked for. */
export class NotSupportedError extends TidelaneError {
  readonly code = "TIDELANE_NOT_SUPPORTED";
  declare readonly capability: string;
  declare readonly reason: string;

  constructor(facts: { capability: string; reason: string; cause?: unknown }) {
    super(`${facts.capability} is not supported here: ${facts.reason}.`, facts);
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
