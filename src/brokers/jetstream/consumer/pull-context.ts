import type { CoreConnection } from "../../nats/connection/core-connection.ts";
import type { JetStreamSubscribeSettings } from "../options.ts";
import type { Consumer } from "../topology/topology.ts";

/** What a pull subscription works with. */
export interface PullContext {
  readonly connection: CoreConnection;
  readonly consumer: Consumer;
  readonly settings: JetStreamSubscribeSettings;
  /** How long an ack may take to be confirmed. */
  readonly confirmMs: number;
}

/** What only the subscriber can see to. None of these may throw. */
export interface PullEvents {
  /** The consumer has to be found again; the pull subscription is suspended until `proceed()`. */
  needsRecovery(reason: string, wasDeleted: boolean): void;
  failed(reason: string): void;
  /** A delivery came again, or is held for long: the consumer may have been changed. */
  mayHaveChanged(): void;
}
