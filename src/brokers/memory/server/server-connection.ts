import type { ConnectionClosedError } from "../../../traits/errors.ts";

/** How a connection ended. */
export interface ConnectionEnd {
  readonly reason: string;
  /** It died, rather than being closed. */
  readonly killed: boolean;
}

/** Ends with its connection at the latest. */
export interface ConnectionListener {
  /** Take no more. */
  end(ending: ConnectionEnd): void;
  /** Called when all others have ended too, so none of them gets what is requeued now. */
  giveBack?(ending: ConnectionEnd): void;
}

/** A connection to the broker, as its consumers and publishers see it. */
export interface ServerConnection {
  readonly over: boolean;
  add(listener: ConnectionListener): void;
  delete(listener: ConnectionListener): void;
  /** Throws `ConnectionClosedError` once it is over. */
  check(during: string): void;
  closedError(during: string): ConnectionClosedError;
}
