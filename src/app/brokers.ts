import type { Broker, Connection } from "../traits/broker.ts";

/** The broker of an app, or several brokers by name. */
export type Brokers = Broker | { readonly [name: string]: Broker };

/** The names of an app's brokers; none if it has one broker. */
export type BrokerName<B extends Brokers> = B extends Broker ? never : Extract<keyof B, string>;

/** The type of a broker of an app, by its name. */
export type BrokerAt<B extends Brokers, On> = B extends Broker
  ? B
  : On extends keyof B
    ? B[On] extends Broker
      ? B[On]
      : never
    : never;

/** What a broker's `connect()` gives. */
export type ConnectionOf<B> = B extends Broker<infer C extends Connection> ? C : never;

/** Says which broker: needless with one, needed with several. */
export type OnBroker<B extends Brokers, On> = B extends Broker
  ? { readonly on?: undefined }
  : { readonly on: On };

/** Whether `group` makes sense on a broker, as a type: a group it cannot have is refused by the compiler. */
export type GroupOn<B> = B extends { source(topic: string, options: { group: string }): unknown }
  ? string
  : B extends { source: unknown }
    ? undefined
    : string;
