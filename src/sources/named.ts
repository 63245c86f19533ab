import { checkName } from "../traits/arguments.ts";
import type { Connection, Subscribe, SubscriptionSource } from "../traits/broker.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { noClaims } from "./capabilities.ts";

/**
 * What `subscribe(name)` gives on a connection of type `C`. `subscribe` is overloaded, and TypeScript infers an overload only
 * together with those after it. So this type matches three, in any order, and chooses the one that takes a string.
 */
export type NamedSubscriber<C extends Connection & Subscribe> = C extends {
  subscribe: {
    (by: infer By1, ...rest: never[]): Promise<infer S1>;
    (by: infer By2, ...rest: never[]): Promise<infer S2>;
    (by: infer By3, ...rest: never[]): Promise<infer S3>;
  };
}
  ? OfName<[By1, S1] | [By2, S2] | [By3, S3]>
  : Subscriber;

type OfName<Overload> = Overload extends [infer By, infer S extends Subscriber]
  ? string extends By
    ? S
    : never
  : never;

/**
 * The subscription to `topic` with the broker's defaults, on any broker: `connection.subscribe(topic)` as a value.
 * Its type follows from the connection that you pass it to. If that is not known, name it:
 * `named<NatsConnection>("orders")`.
 *
 * It claims no capability, because it does not know its broker. Its subscriber says what it can do.
 */
export function named<C extends Connection & Subscribe = Connection & Subscribe>(
  topic: string,
): SubscriptionSource<C, NamedSubscriber<C>> {
  return new Named<C>(checkName("named(topic)", topic));
}

class Named<C extends Connection & Subscribe> implements SubscriptionSource<C, NamedSubscriber<C>> {
  readonly topic: string;
  readonly capabilities: Capabilities = noClaims;

  constructor(topic: string) {
    this.topic = topic;
  }

  open(connection: C): Promise<NamedSubscriber<C>> {
    // The type computed from the overloads is what this call gives; the compiler cannot follow that for an open `C`.
    return connection.subscribe(this.topic) as Promise<NamedSubscriber<C>>;
  }
}
