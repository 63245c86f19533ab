import { checkDuration } from "../traits/arguments.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { show } from "../traits/show.ts";
import type { Refused } from "./refused.ts";

/** What `ack()` returns. */
export interface AckOutcome {
  readonly kind: "ack";
}

/** What `retry()` and `retryAfter(ms)` return. */
export interface RetryOutcome {
  readonly kind: "retry";
  /** The delay in milliseconds; `undefined`: the backoff of the failure policy. */
  readonly delayMs: number | undefined;
}

/** What `drop()` returns. */
export interface DropOutcome {
  readonly kind: "drop";
}

/** What `deadLetter(reason)` returns. */
export interface DeadLetterOutcome {
  readonly kind: "dead-letter";
  readonly reason: string;
}

/** What a handler decides about a delivery. Returning nothing is `ack()`. After a throw, the failure policy decides. */
export type Outcome = AckOutcome | RetryOutcome | DropOutcome | DeadLetterOutcome;

/** What a handler threw, as a middleware sees it. A handler throws; it does not return this. */
export interface FailureOutcome {
  readonly kind: "failure";
  readonly error: unknown;
  /** Set by a middleware: no retry can help. */
  readonly permanent?: boolean;
  /** Set by a middleware: the delay of a retry, in place of the backoff. */
  readonly delayMs?: number;
}

/** What `next()` resolves with, and what a middleware returns. */
export type MiddlewareOutcome = Outcome | FailureOutcome;

/**
 * What a handler may return. `deadLetter()` does not type-check if the failure policy has no place for dead
 * letters.
 */
export type HandlerResult<DeadLetters extends boolean = boolean> =
  | undefined
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler without a return statement returns void
  | void
  | (DeadLetters extends true ? Outcome : Exclude<Outcome, DeadLetterOutcome> | RefusedDeadLetter);

/** Nothing is one: it carries the reason into the compiler's message. */
type RefusedDeadLetter = DeadLetterOutcome &
  Refused<"deadLetter() needs a place for dead letters: name one in onFailure({ deadLetter: { topic, publisher } }) before handle().">;

const acked: AckOutcome = Object.freeze({ kind: "ack" });
const retried: RetryOutcome = Object.freeze({ kind: "retry", delayMs: undefined });
const dropped: DropOutcome = Object.freeze({ kind: "drop" });

/** The message is done. */
export function ack(): AckOutcome {
  return acked;
}

/** Runs the handler again after the backoff of the failure policy. Counts as an attempt. */
export function retry(): RetryOutcome {
  return retried;
}

/**
 * Runs the handler again, at least `delayMs` milliseconds from now. Counts as an attempt. Throws
 * `InvalidArgumentError` if the delay is negative or not finite.
 */
export function retryAfter(delayMs: number): RetryOutcome {
  return { kind: "retry", delayMs: checkDuration("retryAfter(delayMs)", delayMs) };
}

/** Gives the message up: it is settled without a requeue. If the broker dead-letters dropped messages, it does so. */
export function drop(): DropOutcome {
  return dropped;
}

/** Publishes the message to the dead letter topic of the failure policy, with this reason. */
export function deadLetter(reason: string): DeadLetterOutcome {
  return { kind: "dead-letter", reason: checkReason("deadLetter(reason)", reason) };
}

/** Accepts what a handler returned; anything that is no outcome is a mistake worth a sentence. */
export function toOutcome(returned: unknown): Outcome {
  if (returned === undefined || returned === acked) return acked;
  if (isOutcome(returned)) return returned;
  throw new TypeError(`A handler returned ${show(returned)}; it returns nothing or ${outcomes}.`);
}

/**
 * Accepts what a middleware returned. Nothing is refused: a forgotten `return next()` must not settle what the handler
 * wanted retried.
 */
export function toAnswer(returned: unknown): MiddlewareOutcome {
  if (returned === acked) return acked;
  if (isOutcome(returned) || isFailure(returned)) return returned;
  if (returned === undefined)
    throw new TypeError("A middleware returned nothing; it returns what next() gave it.");
  throw new TypeError(
    `A middleware returned ${show(returned)}; it returns what next() gave it, or ${outcomes}.`,
  );
}

const outcomes = "an outcome: ack(), retry(), retryAfter(ms), drop() or deadLetter(reason)";

function isOutcome(returned: unknown): returned is Outcome {
  if (typeof returned !== "object" || returned === null || !("kind" in returned)) return false;
  const outcome = returned as Outcome;
  switch (outcome.kind) {
    case "ack":
    case "drop":
      return true;
    // These may be written by hand, and then nothing has looked at their facts yet.
    case "retry":
      if (outcome.delayMs !== undefined) checkDuration("The outcome retry: delayMs", outcome.delayMs);
      return true;
    case "dead-letter":
      checkReason("The outcome dead-letter: reason", outcome.reason);
      return true;
    default:
      return false;
  }
}

function isFailure(returned: unknown): returned is FailureOutcome {
  if (typeof returned !== "object" || returned === null) return false;
  return (returned as Partial<FailureOutcome>).kind === "failure" && "error" in returned;
}

function checkReason(argument: string, reason: unknown): string {
  if (typeof reason === "string") return reason;
  throw new InvalidArgumentError({ argument, expected: "a string", received: reason });
}

/** A handler settles its delivery with this; a retry or a failure leaves it to the policy. */
export function isDecided({ kind }: MiddlewareOutcome): boolean {
  return kind !== "failure" && kind !== "retry";
}
