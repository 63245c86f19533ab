import type { Argument, OpenConnection, Reply, ServerConnection } from "../client.ts";
import type { StreamSettings } from "../options.ts";
import type { Group } from "../topology/topology.ts";
import type { Script } from "./scripts.ts";

/** What the parts of one subscription share. */
export class StreamContext {
  readonly connection: ServerConnection;
  readonly settings: StreamSettings;
  readonly group: Group;
  /** What the server calls this member of the group. */
  readonly consumer: string;

  constructor(connection: ServerConnection, settings: StreamSettings, group: Group, consumer: string) {
    this.connection = connection;
    this.settings = settings;
    this.group = group;
    this.consumer = consumer;
  }

  /** How much longer than the ack deadline another member waits: the holder has noticed by then. */
  get claimAfterMs(): number {
    const { ackDeadlineMs } = this.settings;
    return ackDeadlineMs + Math.min(1_000, Math.max(50, ackDeadlineMs / 20));
  }

  run(open: OpenConnection, script: Script, args: readonly Argument[]): Promise<Reply> {
    const { stream, deadLetter } = this.settings;
    const keys = deadLetter === undefined ? [stream] : [stream, deadLetter.topic];
    const most = deadLetter?.maxDeliveries ?? Number.POSITIVE_INFINITY;
    const limit = most === Number.POSITIVE_INFINITY ? "0" : String(most);
    return script.run(open, keys, [this.group.name, this.consumer, limit, ...args]);
  }
}
