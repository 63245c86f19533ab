import { type DecodeIssue, reasonWithIssues } from "../decode-issue.ts";
import { TidelaneError } from "./tidelane-error.ts";

/** A payload did not become a value. */
export class DecodeError extends TidelaneError {
  readonly code = "TIDELANE_DECODE";
  declare readonly topic: string;
  /** What the schema found wrong; empty if it was something else. */
  declare readonly issues: readonly DecodeIssue[];
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; issues?: readonly DecodeIssue[]; cause?: unknown }) {
    const issues = facts.issues ?? [];
    const shown = reasonWithIssues(facts.reason, issues);
    super(`A payload from "${facts.topic}" did not decode: ${shown}.`, { ...facts, issues });
  }
}

/** The key function threw, or returned something other than a string. So the delivery has no lane. */
export class KeyError extends TidelaneError {
  readonly code = "TIDELANE_KEY";
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; cause?: unknown }) {
    super(`No key for a message from "${facts.topic}": ${facts.reason}.`, facts);
  }
}

/** The message was settled before. The first settle stands, and this one never reached the broker. */
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
 * The broker no longer accepts a settle of this delivery, because its channel, assignment, connection or ack
 * deadline has ended. A broker that redelivers will deliver the message again.
 */
export class DeliveryRevokedError extends TidelaneError {
  readonly code = "TIDELANE_DELIVERY_REVOKED";
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; cause?: unknown }) {
    super(
      `The delivery from "${facts.topic}" was revoked (${facts.reason}): it can no longer be settled.`,
      facts,
    );
  }
}

/** The transport cannot do this settle. Nothing was sent, and the message is still unsettled. */
export class SettleUnsupportedError extends TidelaneError {
  readonly code = "TIDELANE_SETTLE_UNSUPPORTED";
  declare readonly topic: string;
  declare readonly settle: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; settle: string; reason: string }) {
    super(`${facts.settle} is not possible for a message from "${facts.topic}": ${facts.reason}.`, facts);
  }
}

/** A handler returned `deadLetter()`, but the pipeline has no dead letter topic. */
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

/**
 * A run has pulled nothing for a while, because retried deliveries leave no room for others, or `afterSettle` work
 * has not finished. The run goes on.
 */
export class IntakeStalledError extends TidelaneError {
  readonly code = "TIDELANE_INTAKE_STALLED";
  declare readonly topic: string;
  declare readonly inFlight: number;
  /** How many deliveries in flight are retried because they failed, or asked for a retry more than once. */
  declare readonly failing: number;
  /** How many pieces of `afterSettle` work are unfinished, if they are the reason. */
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
        ? `${failing} of ${inFlight} in flight are retried, because they failed or asked for it again, and the others wait. Set maxAttempts in onFailure(), or a larger maxInFlight in workers()`
        : `${continuations} pieces of work given to afterSettle() have not finished. Give them a time limit`;
    super(`The run of "${topic}" has pulled nothing for ${stalledMs} ms: ${why}.`, facts);
  }
}
