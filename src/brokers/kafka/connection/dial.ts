import { abortable } from "../../shared/abortable.ts";
import type { ConnectOptions } from "../../shared/first-connect.ts";
import { connectInTime } from "../../shared/first-connect.ts";
import { connectError } from "../errors.ts";
import { ReconnectingAdmin } from "../topology/admin.ts";
import type { Cluster } from "../topology/cluster.ts";
import { KafkaConnection } from "./connection.ts";
import { Outages } from "./outages.ts";

export interface DialOptions extends Omit<Cluster, "admin" | "outages"> {
  /** How long a server that cannot be reached is waited for. */
  readonly connect: Required<ConnectOptions>;
  /** The servers to begin with, for people. */
  readonly address: string;
}

/** Opens a connection when a server of the cluster has answered. Rejects with `ConnectFailedError` if none does. */
export async function dial(
  { connect, address, ...own }: DialOptions,
  signal: AbortSignal | undefined,
): Promise<KafkaConnection> {
  const { broker, clock, createClient, secrets, reconnect } = own;
  const outages = new Outages(broker);
  const admin = new ReconnectingAdmin(clock, createClient, secrets, outages);
  const reach = async (): Promise<void> => {
    try {
      await admin.ask((asked) => asked.describeCluster());
    } catch (error) {
      throw connectError(broker, error, secrets);
    }
  };
  try {
    await abortable(connectInTime(connect, reconnect, clock, signal, reach), signal, "connect()");
  } catch (error) {
    void admin.close(own.closeTimeoutMs);
    throw error;
  }
  return new KafkaConnection({ ...own, admin, outages }, outages, { protocol: "kafka", address });
}
