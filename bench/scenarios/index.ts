import type { ServerKind } from "../../scripts/brokers/recipe.ts";
import type { Contest } from "../method/contract.ts";
import type { Reading } from "../method/reading.ts";
import { appContests } from "./app.ts";
import { jetStreamContests, kafkaContests, natsContests, rabbitMqContests } from "./brokers.ts";
import { coldContests } from "./cold.ts";
import { lanesContests } from "./lanes.ts";
import { memoryContests } from "./memory.ts";
import { peersContests } from "./peers.ts";
import { publishContests } from "./publish.ts";
import { readings } from "./readings.ts";
import { requestContests } from "./request.ts";

/** Addresses of the servers a scenario has asked for. */
export type Addresses = Readonly<Partial<Record<ServerKind, string>>>;

export interface Scenario {
  readonly servers: readonly ServerKind[];
  /** It needs the packages of bench/peers. */
  readonly peers?: boolean;
  contests(addresses: Addresses): readonly Contest[];
  /** `quick`: of less. */
  readings?(pace: { readonly quick: boolean }): readonly Reading[];
}

export const scenarios: Readonly<Record<string, Scenario>> = {
  lanes: { servers: [], contests: lanesContests },
  memory: { servers: [], contests: memoryContests },
  app: { servers: [], contests: appContests },
  cold: { servers: [], contests: coldContests },
  nats: { servers: ["nats"], contests: natsContests },
  jetstream: { servers: ["nats"], contests: jetStreamContests },
  rabbitmq: { servers: ["rabbitmq"], contests: rabbitMqContests },
  kafka: { servers: ["kafka"], contests: kafkaContests },
  publish: { servers: ["nats", "rabbitmq", "kafka"], contests: publishContests },
  request: { servers: ["nats", "rabbitmq"], contests: requestContests },
  peers: { servers: ["nats", "rabbitmq", "kafka"], peers: true, contests: peersContests },
  readings: { servers: [], contests: () => [], readings },
};
