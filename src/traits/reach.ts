import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";

/** What a subscription delivers: messages of one broker, from the topics it covers. */
interface Reach {
  readonly broker: object;
  readonly covers: (topic: string) => boolean;
}

const reaches = new WeakMap<Subscriber, Reach>();
const homes = new WeakMap<Publisher, object>();

/** `broker` stands for the place of the messages: publishers of the same one reach this subscriber. */
export function setReach<S extends Subscriber>(
  subscriber: S,
  broker: object,
  covers: (topic: string) => boolean,
): S {
  reaches.set(subscriber, { broker, covers });
  return subscriber;
}

/** For a publisher that publishes to the topic it is given, and to nothing else. */
export function setHome<P extends Publisher>(publisher: P, broker: object): P {
  homes.set(publisher, broker);
  return publisher;
}

/** Whether `subscriber` delivers what `publisher` publishes to `topic`. `false` where that is not known. */
export function comesBack(topic: string, publisher: Publisher, subscriber: Subscriber): boolean {
  const reach = reaches.get(subscriber);
  return reach !== undefined && reach.broker === homes.get(publisher) && reach.covers(topic);
}
