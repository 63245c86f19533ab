import { checkCount, checkName } from "../traits/arguments.ts";
import type { Connection, SubscriptionSource } from "../traits/broker.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { type Clock, systemClock } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import type { IterableItem } from "./iterable-message.ts";
import { IterableSubscriber } from "./iterable-subscriber.ts";

/** Options of `fromIterable(items, options)`. */
export interface FromIterableOptions {
  /** The topic of every message. */
  readonly topic: string;
  /** What `nackAfter` is measured by. @default the system clock */
  readonly clock?: Clock;
  /** How many settlements a subscriber remembers, the latest ones; `Infinity` for all. @default 10_000 */
  readonly keepSettlements?: number;
}

const names = optionNames<FromIterableOptions>()({ topic: true, clock: true, keepSettlements: true });

/** A source that needs no broker. It opens on any connection, or without one. */
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
 * A subscription to the items of an iterable, for a replay or a backfill: `fromIterable(lines, { topic: "log" })`.
 *
 * It takes items one at a time, when somebody pulls. A requeued item comes again before new ones, in the order of
 * the items. After `nackAfter` it comes when its delay is over, while later items go on. The iteration ends when
 * the iterable has ended **and every delivery is settled**, because an unsettled one may come again. If the
 * iterable throws, or gives something that is not an `IterableItem`, the iteration ends with
 * `SubscriptionFailedError`.
 *
 * Each subscriber iterates anew: an array may be opened many times, a generator gives its items once. `close()`
 * calls `return()` of the iterator, and forgets unsettled items. To get them again, open the source again.
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
