import { checkCount, checkDuration, checkName, checkObject } from "../traits/arguments.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import type { Publisher } from "../traits/publisher.ts";
import { comesBack } from "../traits/reach.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import type { Refused } from "./refused.ts";

/** How long to wait before each retry: `min(maxMs, initialMs * factor ** (retry - 1))`, less a random share of it. */
export interface Backoff {
  /** The first wait, in milliseconds. @default 100 */
  readonly initialMs?: number;
  /** Each wait is this many times the one before; at least 1. @default 2 */
  readonly factor?: number;
  /** The longest wait, in milliseconds. @default 30_000 */
  readonly maxMs?: number;
  /** The random share of a wait, from 0 to 1. @default 0.2 */
  readonly jitter?: number;
}

/**
 * Where a pipeline publishes dead letters. It acks the original when the copy is confirmed.
 *
 * The subscription must not deliver this topic itself, because each dead letter would become one again. `handle`
 * throws if it can tell. Before a run pulls anything, it asks the publisher whether the topic exists, if the broker
 * can tell. If the topic is missing, the run ends with the publisher's error.
 *
 * If a publish fails later, the run tries it again after the backoff, and the key waits (`stats.blocked`). If the
 * error says `retryable: false`, as when the topic is gone or the message is too large, the run ends with it, and
 * the original stays unsettled.
 */
export interface DeadLetterTarget {
  /** The topic to publish dead letters to. */
  readonly topic: string;
  /** The publisher to publish them with. */
  readonly publisher: Publisher;
}

interface RetryPolicy {
  /**
   * "in-place": the handler runs again here, and the lane waits, so the order of the key survives. "redeliver": the
   * message is requeued with `nackAfter`, and later messages of the key overtake it. @default "in-place"
   */
  readonly mode?: "in-place" | "redeliver";
  /** How long to wait before each retry. */
  readonly backoff?: Backoff;
}

/**
 * What happens when a handler throws or asks for a retry. By default it runs again until it succeeds, so nothing is
 * lost.
 *
 * `maxAttempts` counts runs of the handler, the first one included. It needs `deadLetter`, which says what comes
 * after the last attempt: a dead letter topic; `"broker"`, if the broker dead-letters dropped messages; or
 * `"drop"`, which needs `maxAttempts`. A payload that does not decode goes there at once. Without `deadLetter`,
 * such a payload is dropped and reported.
 */
export type FailurePolicy = RetryPolicy &
  (
    | { readonly maxAttempts?: never; readonly deadLetter?: DeadLetterTarget | "broker" }
    | { readonly maxAttempts: number; readonly deadLetter: DeadLetterTarget | "broker" | "drop" }
  );

/** What `onFailure` takes; what it refuses is in it with the reason, which the compiler then shows. */
export type GivenPolicy =
  | FailurePolicy
  | (RetryPolicy & {
      readonly maxAttempts: number;
      readonly deadLetter?: never;
    } & Refused<"maxAttempts needs deadLetter, which says what comes after the last attempt: { topic, publisher }, 'broker' or 'drop'.">)
  | (RetryPolicy & {
      readonly maxAttempts?: never;
      readonly deadLetter: "drop";
    } & Refused<"deadLetter: 'drop' needs maxAttempts, because without it there is no last attempt to drop after.">);

/** What stands in the way of options that no policy has: a type parameter alone lets them pass. */
export type NoOtherOptions<Policy> = RefuseOthers<Policy, keyof FailurePolicy, ""> & {
  readonly [Name in keyof Policy & "backoff"]?: RefuseOthers<Policy[Name], keyof Backoff, "backoff.">;
} & {
  readonly [Name in keyof Policy & "deadLetter"]?: RefuseOthers<
    Policy[Name],
    keyof DeadLetterTarget,
    "deadLetter."
  >;
};

type RefuseOthers<Given, Known extends PropertyKey, Path extends string> = Given extends object
  ? {
      readonly [Name in Exclude<keyof Given, Known> &
        string]: Refused<`onFailure() has no option "${Path}${Name}".`>;
    }
  : unknown;

const policyNames = optionNames<FailurePolicy>()({
  mode: true,
  backoff: optionNames<Backoff>()({ initialMs: true, factor: true, maxMs: true, jitter: true }),
  maxAttempts: true,
  deadLetter: optionNames<DeadLetterTarget>()({ topic: true, publisher: true }),
});

/** Whether a policy has a place for dead letters, as a type. */
export type HasDeadLetters<Policy> = Policy extends { readonly deadLetter: DeadLetterTarget | "broker" }
  ? true
  : false;

/** A policy with every default in place. */
export interface CheckedPolicy {
  readonly mode: "in-place" | "redeliver";
  readonly backoff: Required<Backoff>;
  readonly maxAttempts: number;
  readonly deadLetter: DeadLetterTarget | "broker" | "drop" | undefined;
}

export function checkPolicy(policy: FailurePolicy): CheckedPolicy {
  checkObject("onFailure(policy)", policy);
  checkOptionNames("onFailure(policy)", policy, policyNames);
  if (policy.backoff !== undefined) checkObject("onFailure: backoff", policy.backoff);
  const { initialMs = 100, factor = 2, maxMs = 30_000, jitter = 0.2 } = policy.backoff ?? {};
  checkDuration("onFailure: backoff.initialMs", initialMs);
  checkDuration("onFailure: backoff.maxMs", maxMs);
  checkRange("onFailure: backoff.factor", factor, 1, Number.MAX_SAFE_INTEGER);
  checkRange("onFailure: backoff.jitter", jitter, 0, 1);
  const mode = policy.mode ?? "in-place";
  if (mode !== "in-place" && mode !== "redeliver") {
    throw new InvalidArgumentError({
      argument: "onFailure: mode",
      expected: '"in-place" or "redeliver"',
      received: mode,
    });
  }
  return {
    mode,
    backoff: { initialMs, factor, maxMs, jitter },
    maxAttempts: checkAttempts(policy),
    deadLetter: checkDeadLetter(policy.deadLetter),
  };
}

function checkAttempts({
  maxAttempts,
  deadLetter,
}: Partial<Pick<CheckedPolicy, "maxAttempts" | "deadLetter">>): number {
  if (maxAttempts === undefined && deadLetter !== "drop") return Number.POSITIVE_INFINITY;
  if (maxAttempts === undefined) {
    const expected = 'given when deadLetter is "drop": without it there is no last attempt to drop after';
    throw new InvalidArgumentError({ argument: "onFailure: maxAttempts", expected, received: maxAttempts });
  }
  checkCount("onFailure: maxAttempts", maxAttempts);
  if (deadLetter === undefined) {
    throw new InvalidArgumentError({
      argument: "onFailure: deadLetter",
      expected:
        'a { topic, publisher }, "broker" or "drop" when maxAttempts is given, so that no message is lost silently',
      received: deadLetter,
    });
  }
  return maxAttempts;
}

function checkDeadLetter(target: FailurePolicy["deadLetter"]): CheckedPolicy["deadLetter"] {
  if (target === undefined || target === "broker" || target === "drop") return target;
  if (typeof target !== "object" || target === null || typeof target.publisher?.publish !== "function") {
    throw new InvalidArgumentError({
      argument: "onFailure: deadLetter",
      expected: '{ topic, publisher: connection.publisher() }, "broker" or "drop"',
      received: target,
    });
  }
  checkName("onFailure: deadLetter.topic", target.topic);
  return target;
}

function checkRange(argument: string, value: unknown, low: number, high: number): void {
  if (typeof value === "number" && value >= low && value <= high) return;
  throw new InvalidArgumentError({ argument, expected: `a number from ${low} to ${high}`, received: value });
}

/** Refuses a policy that this source cannot carry out, before the first delivery. */
export function checkPolicyFits(policy: CheckedPolicy, capabilities: Capabilities): void {
  if (policy.mode === "redeliver" && (!capabilities.requeue || capabilities.delayedRequeue === "none")) {
    const cannot = capabilities.requeue ? "has no delay, so that a failure would spin" : "cannot requeue";
    throw new InvalidArgumentError({
      argument: "onFailure: mode",
      expected: `"in-place": this source ${cannot}`,
      received: policy.mode,
    });
  }
  if (policy.deadLetter === "broker" && !capabilities.deadLetter) {
    throw new InvalidArgumentError({
      argument: "onFailure: deadLetter",
      expected: "{ topic, publisher }: this source's broker does not set dropped messages aside",
      received: policy.deadLetter,
    });
  }
}

/** Refuses a dead letter topic that the subscription delivers, because each dead letter would become one again. */
export function checkNoReturn({ deadLetter: target }: CheckedPolicy, subscriber: Subscriber): void {
  if (typeof target !== "object" || !comesBack(target.topic, target.publisher, subscriber)) return;
  throw new InvalidArgumentError({
    argument: "onFailure: deadLetter.topic",
    expected: `a topic that the subscription of "${subscriber.topic}" does not deliver: it would get its own dead letters`,
    received: target.topic,
  });
}

/** Milliseconds before retry number `retry` (1 for the first). `random` gives 0 to 1. */
export function backoffDelay(backoff: Required<Backoff>, retry: number, random: () => number): number {
  // A finite growth, as 0 times Infinity is no delay at all.
  const growth = Math.min(backoff.factor ** (retry - 1), Number.MAX_VALUE);
  const full = Math.min(backoff.maxMs, backoff.initialMs * growth);
  return full * (1 - backoff.jitter * random());
}
