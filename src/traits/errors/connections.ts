import { TidelaneError } from "./tidelane-error.ts";

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

/** The connection was closed, or died for good, before or during the call. */
export class ConnectionClosedError extends TidelaneError {
  readonly code = "TIDELANE_CONNECTION_CLOSED";
  declare readonly broker: string;
  declare readonly during: string;

  constructor(facts: { broker: string; during: string; cause?: unknown }) {
    super(`${facts.during} is not possible: the connection to "${facts.broker}" is closed.`, facts);
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
