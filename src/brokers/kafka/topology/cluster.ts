import type { Clock } from "../../../traits/clock.ts";
import type { BackoffOptions } from "../../shared/backoff.ts";
import type { Secrets } from "../../shared/secrets.ts";
import type { Client, KafkaModule, TopicCreation } from "../client.ts";
import type { OutageReport, ReconnectingAdmin } from "./admin.ts";

/** The cluster as one connection sees it: what its subscriptions, publishers and admin requests share. */
export interface Cluster {
  /** The name of the broker, for errors and events. */
  readonly broker: string;
  readonly clock: Clock;
  readonly module: KafkaModule;
  /** Each consumer gets its own client, because consumers of one client clear each other's offsets. */
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
