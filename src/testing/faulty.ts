import type { Connection, SubscriptionSource } from "../traits/broker.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { checkFaults, type FaultOptions, type Faults } from "./fault-options.ts";
import { FaultySubscriber } from "./faulty-subscriber.ts";

type MessageOf<S> = S extends Subscriber<infer M extends Message> ? M : never;

/**
 * A subscription with faults, for tests. The same seed gives the same faults. Every fault is one that a broker may
 * show, so the contract still holds: correct code loses nothing over it, and settles each delivery once.
 *
 * With a source it gives a source, each of whose subscribers starts from the seed. With a subscriber it gives a
 * subscriber, and then owns that one.
 */
export function faulty<C extends Connection, S extends Subscriber>(
  source: SubscriptionSource<C, S>,
  options: FaultOptions,
): SubscriptionSource<C, FaultySubscriber<MessageOf<S>>>;
export function faulty<S extends Subscriber>(
  subscriber: S,
  options: FaultOptions,
): FaultySubscriber<MessageOf<S>>;
export function faulty(
  from: SubscriptionSource | Subscriber,
  options: FaultOptions,
): SubscriptionSource | FaultySubscriber {
  const faults = checkFaults(options);
  const claim = (capabilities: Capabilities): Capabilities => faultyCapabilities(capabilities, faults);
  if (!("open" in from)) return new FaultySubscriber(from, faults, claim);
  return {
    topic: from.topic,
    capabilities: claim(from.capabilities),
    open: async (connection) => {
      const subscriber = await from.open(connection);
      return new FaultySubscriber(subscriber, faults, claim);
    },
  };
}

/** A copy is in flight beside what the wrapped subscription bounds. Order is of first deliveries, and stays. */
function faultyCapabilities(capabilities: Capabilities, faults: Faults): Capabilities {
  const maxInFlight = faults.duplicates.rate > 0 ? Number.POSITIVE_INFINITY : capabilities.maxInFlight;
  return { ...capabilities, maxInFlight, batches: false, seek: false, pause: false };
}
