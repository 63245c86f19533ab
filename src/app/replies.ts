import type { Connection, SubscriptionSource } from "../traits/broker.ts";

/** Where replies come to, on brokers without request and reply of their own. */
export interface RepliesOptions {
  /**
   * All instances of the app read it; each takes the replies to its own requests. It has to exist, unless the broker makes
   * topics by itself. @default the name of the app, then ".replies"
   */
  readonly topic?: string;
  /** A source of the broker's own that reads this topic. @default the broker's usual source */
  readonly source?: SubscriptionSource<Connection>;
}
