import type { Capabilities } from "./capabilities.ts";
import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";

/** A broker that you can connect to. Making one does no I/O. `connect()` may be called any number of times. */
export interface Broker<C extends Connection = Connection> {
  /** Names the broker in errors and events. It never holds a credential. */
  readonly name: string;
  /**
   * Opens a new connection. Rejects with `ConnectFailedError` if the broker cannot be reached or refuses, and with
   * `AbortedError` when `signal` aborts.
   */
  connect(options?: { readonly signal?: AbortSignal }): Promise<C>;
  /**
   * The source that a subscription by name opens, as in an app. It throws before anything is connected if the
   * broker cannot do what `options` ask.
   */
  source?(topic: string, options?: UsualSourceOptions): SubscriptionSource<C>;
}

/** What a subscription by name may ask of any broker. A broker that cannot do it throws. */
export interface UsualSourceOptions {
  /** Subscriptions of one group share the messages; each group gets all of them. */
  readonly group?: string | undefined;
  /** `true`: the topic is a pattern of tokens between dots, in which `*` matches any one token. */
  readonly pattern?: boolean;
}

/** "reconnecting": the connection is lost, and the adapter restores it. "closed": it is over for good. */
export type ConnectionState = "open" | "reconnecting" | "closed";

/**
 * What `connect()` gives. After `close()`, every call of it, and of what it made, rejects with
 * `ConnectionClosedError`.
 */
export interface Connection extends AsyncDisposable {
  readonly state: ConnectionState;
  /** A publisher on this connection. */
  publisher(): Publisher;
  /** Opens a source of this broker, and gives the source's subscriber. */
  subscribe<S extends Subscriber>(source: SubscriptionSource<this, S>): Promise<S>;
  /**
   * Closes every subscription and releases all resources. Unsettled deliveries are requeued. Calls that wait reject
   * with `ConnectionClosedError`. It takes a bounded time and never rejects. A second call does nothing more.
   */
  close(): Promise<void>;
}

/**
 * Describes one subscription. It is immutable, and may be opened any number of times: each time gives a new
 * subscriber.
 */
export interface SubscriptionSource<C extends Connection = Connection, S extends Subscriber = Subscriber> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** Resolves when the subscription gets what is published from then on. */
  open(connection: C): Promise<S>;
}

/** A connection that subscribes by name. */
export interface Subscribe<S extends Subscriber = Subscriber> {
  subscribe(topic: string): Promise<S>;
}

/** A connection that subscribes to every topic that a pattern matches. `P` is the broker's type of pattern. */
export interface PatternSubscribe<P = string, S extends Subscriber = Subscriber> {
  subscribePattern(pattern: P): Promise<S>;
}

/** The server that a connection leads to. It never holds a credential. */
export interface ServerDescription {
  readonly protocol: string;
  /** `host:port`, or "in process". */
  readonly address: string;
  readonly version?: string;
}

/** A connection that tells its server. */
export interface DescribeServer {
  describe(): ServerDescription;
}
