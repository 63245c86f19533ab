import { TidelaneError } from "./tidelane-error.ts";

/** `connect()` could not reach the broker, or the broker refused. */
export class ConnectFailedError extends TidelaneError {
  readonly code = "TIDELANE_CONNECT_FAILED";
  declare readonly retryable: boolean;
  declare readonly broker: string;
  declare readonly reason: string;

  constructor(facts: { broker: string; reason: string; retryable: boolean; cause?: unknown }) {
    super(`Connecting to "${facts.broker}" failed: ${facts.reason}.`, facts);
  }
}

/** The connection was closed, or lost for good, before or during the call. */
export class ConnectionClosedError extends TidelaneError {
  readonly code = "TIDELANE_CONNECTION_CLOSED";
  declare readonly broker: string;
  declare readonly during: string;

  constructor(facts: { broker: string; during: string; cause?: unknown }) {
    super(`${facts.during} is not possible: the connection to "${facts.broker}" is closed.`, facts);
  }
}

/** The subscription ended, because of a fault that the adapter could not repair. */
export class SubscriptionFailedError extends TidelaneError {
  readonly code = "TIDELANE_SUBSCRIPTION_FAILED";
  declare readonly topic: string;
  declare readonly reason: string;

  constructor(facts: { topic: string; reason: string; cause?: unknown }) {
    super(`The subscription of "${facts.topic}" ended: ${facts.reason}.`, facts);
  }
}

/** Somebody asked for a second iterator while the first is active. */
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

/** The log does not hold the position. The subscriber has not moved. */
export class PositionUnavailableError extends TidelaneError {
  readonly code = "TIDELANE_POSITION_UNAVAILABLE";
  declare readonly topic: string;
  declare readonly position: string;
  declare readonly available: string;

  constructor(facts: { topic: string; position: string; available: string }) {
    super(`"${facts.topic}" cannot seek to ${facts.position}: available is ${facts.available}.`, facts);
  }
}

/**
 * Messages arrived faster than the program took them, and the transport cannot wait. Those that did not fit are
 * gone.
 */
export class MessagesDroppedError extends TidelaneError {
  readonly code = "TIDELANE_MESSAGES_DROPPED";
  declare readonly topic: string;
  /** How many were dropped since the last report. */
  declare readonly dropped: number;
  /** How many were dropped since the subscription opened. */
  declare readonly total: number;
  declare readonly reason: string;

  constructor(facts: { topic: string; dropped: number; total: number; reason: string }) {
    super(
      `${facts.dropped} messages from "${facts.topic}" were dropped (${facts.total} in all): ${facts.reason}.`,
      facts,
    );
  }
}
