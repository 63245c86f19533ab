import { show } from "../show.ts";
import { TidelaneError } from "./tidelane-error.ts";

/** An argument or an option is not allowed. */
export class InvalidArgumentError extends TidelaneError {
  readonly code = "TIDELANE_INVALID_ARGUMENT";
  declare readonly argument: string;
  declare readonly expected: string;
  /** The value, as the message shows it. It is not the value itself, which may hold a secret. */
  declare readonly received: string;

  constructor(facts: { argument: string; expected: string; received: unknown }) {
    const received = show(facts.received);
    super(`${facts.argument} must be ${facts.expected}; received ${received}.`, { ...facts, received });
  }
}

/** An option that nobody reads, such as a misspelt one. */
export class UnknownOptionError extends TidelaneError {
  readonly code = "TIDELANE_UNKNOWN_OPTION";
  /** The call with the options, as the user wrote it. */
  declare readonly call: string;
  /** The option with its path: `reconnect.initalMs`. */
  declare readonly option: string;
  /** The known option that it may have been meant to be, without the path. */
  declare readonly nearest: string | undefined;
  /** All options at that place. */
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

/** The broker cannot do what was asked. */
export class NotSupportedError extends TidelaneError {
  readonly code = "TIDELANE_NOT_SUPPORTED";
  declare readonly capability: string;
  declare readonly reason: string;

  constructor(facts: { capability: string; reason: string; cause?: unknown }) {
    super(`${facts.capability} is not supported here: ${facts.reason}.`, facts);
  }
}

/** Something took longer than the time it was given. */
export class TimeoutError extends TidelaneError {
  readonly code = "TIDELANE_TIMEOUT";
  override readonly retryable: boolean = true;
  declare readonly timeoutMs: number;
  declare readonly what: string;

  constructor(facts: { what: string; timeoutMs: number }) {
    super(`${facts.what} did not finish within ${facts.timeoutMs} ms.`, facts);
  }
}

/** The caller's signal aborted. `cause` is the reason of the signal. */
export class AbortedError extends TidelaneError {
  readonly code = "TIDELANE_ABORTED";
  declare readonly what: string;

  constructor(facts: { what: string; cause?: unknown }) {
    super(`${facts.what} was aborted by its signal.`, facts);
  }
}

/** Throws {@link AbortedError} if `signal` has aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AbortedError({ what, cause: signal.reason });
}
