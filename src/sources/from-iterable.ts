import { checkCount, checkName } from "../traits/arguments.ts";
import type { Connection, SubscriptionSource } from "../traits/broker.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { type Clock, systemClock } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import type { IterableItem } from "./iterable-message.ts";
import { IterableSubscriber } from "./iterable-subscriber.ts";

export interface FromIterableOptions {
  /** The topic of every message. */
  readonly topic: string;
  /** What `nackAfter` goes by. @default the system clock */
  readonly clock?: Clock;
  /** How many settlements a subscriber remembers, the latest; `Infinity` for all. @default 10_000 */
  readonly keepSettlements?: number;
}

const names = optionNames<FromIterableOptions>()({ topic: true, clock: true, keepSettlements: true });

/** A source that needs no broker: it opens on any connection, and without one. */
export interface IterableSource extends SubscriptionSource<Connection, IterableSubscriber> {
  open(connection?: Connection): Promise<IterableSubscriber>;
}

/** What holds for every iterable source. "process": a crash forgets what was to come again, and when. */
const capabilities: Capabilities = {
  settlement: "ack",
  requeue: true,
  delayedRequeue: "local",
  deliveryCount: "process",
  order: "topic",
  partitionKey: true,
  groups: false,
  backlog: true,
  maxInFlight: Number.POSITIVE_INFINITY,
  deadLetter: false,
  batches: false,
  seek: false,
  pause: false,
};

/**
 * A subscription to what an iterable gives, for a replay or a backfill: `fromIterable(lines, { topic: "log" })`.
 *
 * Items are taken on demand, one at a time. What is requeued comes again before anything new, in the order of the items;
 * what is sent back with `nackAfter` comes when its delay is over, while later items flow. Iteration ends when the
 * iterable has ended **and every delivery is settled for good**: until then one of them may come again. An iterable that
 * throws, or an item that is not an `IterableItem`, is the end in the same way, with a `SubscriptionFailedError`.
 *
 * Each subscriber iterates anew: an array may be opened many times, a generator gives its items once. `close()` calls
 * `return()` of the iterator. There is nothing for what is unsettled to go back to; open the source again.
 */
export function fromIterable(
  items: Iterable<IterableItem> | AsyncIterable<IterableItem>,
  options: FromIterableOptions,
): IterableSource {
  if (typeof items === "string" || !isIterable(items)) {
    const expected = "an iterable or async iterable of payloads or messages";
    throw new InvalidArgumentError({ argument: "fromIterable(items)", expected, received: items });
  }
  checkOptionNames("fromIterable(items, options)", options, names);
  const topic = checkName("fromIterable({ topic })", options.topic);
  const keepSettlements = checkCount(
    "fromIterable({ keepSettlements })",
    options.keepSettlements ?? 10_000,
    0,
    true,
  );
  const clock = options.clock ?? systemClock;
  return {
    topic,
    capabilities,
    open: () =>
      Promise.resolve(new IterableSubscriber(items, { topic, capabilities, clock, keepSettlements })),
  };
}

function isIterable(value: unknown): boolean {
  return (
    typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)
  );
}
