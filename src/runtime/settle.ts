import type { NextStep } from "../traits/diagnostics.ts";
import { isTidelaneError } from "../traits/errors.ts";
import { headerNames, MessageHeaders, withRetryCount } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import { backoffDelay, type CheckedPolicy, type DeadLetterTarget } from "./failure-policy.ts";
import type { FailureOutcome, MiddlewareOutcome } from "./outcome.ts";
import { sentenceOf } from "./thrown.ts";

/** What is to be done with a delivery. "hold" keeps it here for a retry in place; the others settle it. */
export type Decision =
  | { readonly kind: "ack" }
  | { readonly kind: "drop" }
  | { readonly kind: "hold"; readonly delayMs: number }
  | { readonly kind: "redeliver"; readonly delayMs: number }
  | { readonly kind: "dead-letter"; readonly reason: string; readonly error?: unknown };

export type SettlingDecision = Exclude<Decision, { kind: "hold" }>;

const ackDecision: Decision = { kind: "ack" };
const dropDecision: Decision = { kind: "drop" };

/** What an error may say of itself. */
interface Said {
  readonly permanent?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Turns what came of run number `attempt` (the `retries + 1`th in this process) into what is to be done. */
export function decide(
  result: MiddlewareOutcome,
  run: { readonly attempt: number; readonly retries: number },
  policy: CheckedPolicy,
  random: () => number,
): Decision {
  if (result.kind === "ack") return ackDecision;
  if (result.kind === "drop") return dropDecision;
  if (result.kind === "dead-letter") return result;
  const { attempt } = run;
  const error = result.kind === "failure" ? result.error : undefined;
  const said = saidBy(error);
  const permanent = (result as FailureOutcome).permanent ?? said.permanent;
  if (attempt >= policy.maxAttempts || (permanent === true && policy.deadLetter !== undefined)) {
    if (policy.deadLetter === "drop") return dropDecision;
    const last =
      error === undefined
        ? "the handler asked for another retry"
        : `the handler failed: ${sentenceOf(error)}`;
    return { kind: "dead-letter", reason: `given up after ${attempt} attempts; ${last}`, error };
  }
  const { delayMs: asked = said.retryAfterMs } = result;
  const delayMs =
    Number.isFinite(asked) && (asked as number) >= 0
      ? (asked as number)
      : backoffDelay(policy.backoff, policy.mode === "in-place" ? run.retries + 1 : attempt, random);
  return { kind: policy.mode === "redeliver" ? "redeliver" : "hold", delayMs };
}

/** Anything may be thrown, even what throws when it is read. */
function saidBy(error: unknown): Said {
  try {
    return { ...(error as Said) };
  } catch {
    return {};
  }
}

/** A decision as reports of a failure tell it. */
export function nextStep(decision: Decision): NextStep {
  switch (decision.kind) {
    case "hold":
      return { kind: "retry", delayMs: decision.delayMs };
    case "redeliver":
      return decision;
    case "ack":
      return { kind: "none" };
    default:
      return { kind: decision.kind };
  }
}

/**
 * Whether a publisher says with `error` that it can never publish the dead letter. A transport that cannot ack is no fault of
 * the publisher, and a publish that was aborted may be made again.
 */
export function isFinal(error: unknown): boolean {
  if ((error as { readonly retryable?: unknown } | undefined)?.retryable !== false) return false;
  return (
    !isTidelaneError(error, "TIDELANE_SETTLE_UNSUPPORTED") && !isTidelaneError(error, "TIDELANE_ABORTED")
  );
}

/** For a delivery that cannot be run at all, now or later: where it is set aside, or `undefined` without such a place. */
export function setAside(error: unknown, policy: CheckedPolicy): SettlingDecision | undefined {
  if (policy.deadLetter === undefined) return undefined;
  if (policy.deadLetter === "drop") return { kind: "drop" };
  return { kind: "dead-letter", reason: sentenceOf(error), error };
}

/**
 * The one place where the runtime settles. A dead letter is published, and confirmed, before the original is acked: a
 * crash between the two gives the original back, and a failed publish leaves it unsettled.
 */
export function settle(
  delivery: { readonly message: Message; readonly attempt: number },
  decision: SettlingDecision,
  target: CheckedPolicy["deadLetter"],
): Promise<void> {
  const { message } = delivery;
  switch (decision.kind) {
    case "ack":
      return message.ack();
    case "drop":
      return message.nack({ requeue: false });
    case "redeliver":
      return decision.delayMs === 0 ? message.nack() : message.nackAfter(decision.delayMs);
    case "dead-letter":
      return typeof target === "object"
        ? publishDeadLetter(message, decision, delivery.attempt, target)
        : message.nack({ requeue: false });
    default:
      return decision satisfies never;
  }
}

async function publishDeadLetter(
  message: Message,
  { reason, error }: Extract<Decision, { kind: "dead-letter" }>,
  attempts: number,
  { topic, publisher }: DeadLetterTarget,
): Promise<void> {
  if (message.revoked) throw message.revoked;
  let headers = MessageHeaders.from(message.headers)
    .with(headerNames.deadLetterReason, headerText(reason))
    .with(headerNames.deadLetterSource, message.topic)
    .with(headerNames.deadLetterAttempts, String(attempts));
  // After a replay to its topic the copy counts on. Whoever handles it elsewhere counts from 1.
  headers = withRetryCount(headers, message.topic, attempts);
  if (error !== undefined) headers = headers.with(headerNames.deadLetterError, headerText(sentenceOf(error)));
  const key = message.partitionKey;
  const { payload } = message;
  await publisher.publish(key === undefined ? { topic, payload, headers } : { topic, payload, headers, key });
  await message.ack();
}

/** Text that any transport carries in a header: one line, well formed, at most 1,024 characters. */
function headerText(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .slice(0, 1_024)
    .toWellFormed();
}
