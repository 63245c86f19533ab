import type { Session } from "../../nats/connection/core-connection.ts";
import type { JetStreamSubscribeSettings } from "../options.ts";
import type { Consumer } from "../topology/topology.ts";

/** Where a feed is at work. */
export interface FeedPlace {
  readonly session: Session;
  readonly consumer: Consumer;
  readonly settings: JetStreamSubscribeSettings;
  /** How long an ack may take to be confirmed. */
  readonly confirmMs: number;
}

/** What only the subscriber can see to. None of these may throw. */
export interface FeedHooks {
  /** Look after the consumer; the feed is held until `go()`. */
  trouble(reason: string, wasDeleted: boolean): void;
  hopeless(reason: string): void;
  /** A delivery came again, or is held for long: the consumer may have been changed. */
  suspect(): void;
}
