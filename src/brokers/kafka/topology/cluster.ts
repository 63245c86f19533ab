import type { Clock } from "../../../traits/clock.ts";
import type { BackoffOptions } from "../../shared/backoff.ts";
import type { Secrets } from "../../shared/secrets.ts";
import type { Client, KafkaModule, TopicCreation } from "../client.ts";
import type { ReconnectingAdmin, OutageReport } from "./admin.ts";

/** What everything that belongs to one connection shares. */
export interface Cluster {
  /** The name of the broker, for errors and events. */
  readonly broker: string;
  readonly clock: Clock;
  readonly module: KafkaModule;
  /** n.b. consumers made by one client share the offsets of their groups, and clear each other's: each gets its own. */
  readonly createClient: () => Client;
  readonly admin: ReconnectingAdmin;
  readonly secrets: Secrets;
  readonly reconnect: BackoffOptions;
  readonly outages: OutageReport;
  readonly maxPayloadBytes: number;
  /** What missing topics are created with, where a subscription or publisher says nothing else. */
  readonly create: TopicCreation | false;
  /** How long closing any one part may take. */
  readonly closeTimeoutMs: number;
}
