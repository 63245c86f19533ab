import type { Capabilities } from "./capabilities.ts";
import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";

/** Configuration. Built synchronously and without I/O; `connect()` may be called any number of times. */
export interface Broker<C extends Connection = Connection> {
  /** Names this broker in errors and events. Never a credential. */
  readonly name: string;
  /** Each call opens a connection of its own. Rejects with `ConnectFailedError`, or `AbortedError` by `signal`. */
  connect(options?: { readonly signal?: AbortSignal }): Promise<C>;
  /**
   * Its usual source for a topic, for those who subscribe by name: what an app opens where it is given no source of the
   * broker's own. Throws, before anything is connected, on what this broker cannot do.
   */
  source?(topic: string, options?: UsualSourceOptions): SubscriptionSource<C>;
}

/** What a subscription by name may ask of any broker. A broker that cannot do one of them refuses it. */
export interface UsualSourceOptions {
  /** Subscriptions of one group share the messages; different groups get a copy each. */
  readonly group?: string | undefined;
  /** The topic is a pattern of dot-separated tokens, in which `*` stands for any one token. */
  readonly pattern?: boolean;
}

export type ConnectionState = "open" | "reconnecting" | "closed";

/** What `connect()` gives back. After `close()` every handle made from it rejects with `ConnectionClosedError`. */
export interface Connection extends AsyncDisposable {
  readonly state: ConnectionState;
  publisher(): Publisher;
  /** Opens a source of this broker. Its result is the source's own subscriber. */
  subscribe<S extends Subscriber>(source: SubscriptionSource<this, S>): Promise<S>;
  /**
   * Ends every subscription as its `close()` does, gives unsettled deliveries back, and releases all resources.
   * Idempotent and bounded in time; works while other calls are blocked, and those reject. Never rejects.
   */
  close(): Promise<void>;
}

/** The immutable description of one subscription. It may be opened many times; each gives a subscriber of its own. */
export interface SubscriptionSource<C extends Connection = Connection, S extends Subscriber = Subscriber> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** Resolves when the subscription is live: what is published from then on reaches it. */
  open(connection: C): Promise<S>;
}

/** A connection that subscribes by name. */
export interface Subscribe<S extends Subscriber = Subscriber> {
  subscribe(topic: string): Promise<S>;
}

/** A connection that subscribes to every topic a pattern matches. `P` is the broker's own pattern. */
export interface PatternSubscribe<P = string, S extends Subscriber = Subscriber> {
  subscribePattern(pattern: P): Promise<S>;
}

/** Where a connection leads, for documentation. Never a credential. */
export interface ServerDescription {
  readonly protocol: string;
  /** `host:port`, or "in process". */
  readonly address: string;
  readonly version?: string;
}

export interface DescribeServer {
  describe(): ServerDescription;
}
