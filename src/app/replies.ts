import type { Connection, SubscriptionSource } from "../traits/broker.ts";

/** Where replies arrive, on brokers without request and reply. */
export interface RepliesOptions {
  /**
   * The topic that replies arrive at. All instances of the app read it, and each takes the replies to its own
   * requests. It must exist, unless the broker creates topics by itself. @default the name of the app, then
   * ".replies"
   */
  readonly topic?: string;
  /** A source that reads this topic. @default the broker's usual source */
  readonly source?: SubscriptionSource<Connection>;
}
