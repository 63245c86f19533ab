import type { Connection } from "./broker.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Subscriber } from "./subscriber.ts";

/** The immutable description of one subscription. It may be opened many times; each gives a subscriber of its own. */
export interface SubscriptionSource<C extends Connection = Connection, S extends Subscriber = Subscriber> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** Resolves when the subscription is live: what is published from then on reaches it. */
  open(connection: C): Promise<S>;
}
