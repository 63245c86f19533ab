import { Outlet } from "../structures/outlet.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import type { Clock, Timer } from "../traits/clock.ts";
import type { Subscriber, SubscriberIterator } from "../traits/subscriber.ts";
import { ItemReader } from "./item-reader.ts";
import type { IterableItem } from "./iterable-message.ts";
import { type Item, IterableMessage, type IterableSettlement } from "./iterable-message.ts";

/** How many deliveries there were, and how they were settled. */
export interface IterableCounts {
  readonly delivered: number;
  readonly acked: number;
  /** Settled by `nack({ requeue: false })`. */
  readonly dropped: number;
  /** Settled by `nack()` or `nackAfter()`. */
  readonly requeued: number;
}

interface Setup {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  readonly keepSettlements: number;
}

/** Delivers the items of an iterable, and remembers how they were settled. */
export class IterableSubscriber implements Subscriber<IterableMessage> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly clock: Clock;
  readonly #reader: ItemReader;
  readonly #outlet: Outlet<IterableMessage>;
  /** Delivered, not settled. An item is in here, in `#back`, behind a timer of `#delayed`, or done with. */
  readonly #inFlight = new Set<IterableMessage>();
  /** To be delivered again, in the order of their positions. */
  readonly #back: Item[] = [];
  readonly #delayed = new Set<Timer>();
  /** At least the latest `#keep`, at most twice as many. */
  #settlements: IterableSettlement[] = [];
  readonly #keep: number;
  readonly #counts = { delivered: 0, acked: 0, dropped: 0, requeued: 0 };
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(items: Iterable<IterableItem> | AsyncIterable<IterableItem>, setup: Setup) {
    this.topic = setup.topic;
    this.capabilities = setup.capabilities;
    this.clock = setup.clock;
    this.#keep = setup.keepSettlements;
    this.#reader = new ItemReader(items, setup.topic, () => this.#read());
    this.#outlet = new Outlet(setup.topic, {
      take: (max) => this.#take(max),
      wanted: () => this.#reader.pull(),
      released: () => Promise.resolve(),
    });
  }

  /** The settlements, the oldest first. `keepSettlements` bounds how many it remembers. */
  get settlements(): readonly IterableSettlement[] {
    return this.#settlements.slice(Math.max(0, this.#settlements.length - this.#keep));
  }

  /** How many deliveries there were, and how they were settled. */
  get counts(): IterableCounts {
    return { ...this.#counts };
  }

  [Symbol.asyncIterator](): SubscriberIterator<IterableMessage> {
    return this.#outlet.iterate();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  acked(message: IterableMessage): void {
    this.#counts.acked += 1;
    this.#settled(message, { settle: "ack" });
  }

  /** @internal */
  nacked(message: IterableMessage, requeue: boolean): void {
    this.#counts[requeue ? "requeued" : "dropped"] += 1;
    if (requeue) this.#putBack(message.item);
    this.#settled(message, { settle: "nack", requeue });
  }

  /** @internal */
  nackedAfter(message: IterableMessage, delayMs: number): void {
    this.#counts.requeued += 1;
    const timer = this.clock.schedule(delayMs, () => {
      this.#delayed.delete(timer);
      this.#putBack(message.item);
      this.#outlet.serve();
    });
    this.#delayed.add(timer);
    this.#settled(message, { settle: "nackAfter", delayMs });
  }

  async #close(): Promise<void> {
    for (const message of this.#inFlight) message.revoke("the subscriber was closed");
    for (const timer of this.#delayed) timer.cancel();
    this.#inFlight.clear();
    this.#delayed.clear();
    this.#back.length = 0;
    const reading = this.#reader.close();
    this.#outlet.end();
    await reading;
  }

  #take(max: number): IterableMessage[] {
    const taken: IterableMessage[] = [];
    while (taken.length < max) {
      const item = this.#back.shift() ?? this.#reader.take();
      if (item === undefined) break;
      taken.push(this.#deliver(item));
    }
    this.#endIfOver();
    return taken;
  }

  #deliver(item: Item): IterableMessage {
    const message = new IterableMessage(this, { ...item, deliveries: item.deliveries + 1 });
    this.#inFlight.add(message);
    this.#counts.delivered += 1;
    return message;
  }

  /** The reader has an item, or its end. */
  #read(): void {
    this.#outlet.serve();
    if (this.#outlet.waiting > 0) this.#reader.pull();
  }

  #settled(message: IterableMessage, how: SettlementKind): void {
    this.#inFlight.delete(message);
    this.#record({ position: message.position, deliveryCount: message.deliveryCount, ...how });
    this.#outlet.serve();
  }

  #record(settlement: IterableSettlement): void {
    this.#settlements.push(settlement);
    if (this.#settlements.length > 2 * this.#keep) {
      this.#settlements = this.#settlements.slice(this.#settlements.length - this.#keep);
    }
  }

  #putBack(item: Item): void {
    let place = this.#back.length;
    while (place > 0 && (this.#back[place - 1]?.position ?? -1) > item.position) place -= 1;
    this.#back.splice(place, 0, item);
  }

  /** Asked whenever somebody asks for a message and so for the end, too. */
  #endIfOver(): void {
    const held = this.#inFlight.size + this.#back.length + this.#delayed.size;
    if (this.#reader.ended && held === 0) this.#outlet.end(this.#reader.failure);
  }
}

type SettlementKind =
  | { readonly settle: "ack" }
  | { readonly settle: "nack"; readonly requeue: boolean }
  | { readonly settle: "nackAfter"; readonly delayMs: number };
