import { Outlet } from "../structures/outlet.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { type Clock, sleep, systemClock, type Timer } from "../traits/clock.ts";
import { LiveCapabilities } from "../traits/live-capabilities.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber, SubscriberIterator } from "../traits/subscriber.ts";
import type { Faults } from "./fault-options.ts";
import { FaultyMessage, type Parcel } from "./faulty-message.ts";
import { randomFrom } from "./random.ts";

/** A fault that happened. */
export interface FaultRecord {
  readonly fault: "duplicate" | "delay" | "disconnect" | "stall";
  /** The number of the message in the wrapped subscription, from 0. */
  readonly message: number;
  /** When it happened, in milliseconds of the subscription's clock. */
  readonly at: number;
  /** How long a delay or a stall takes, or after what time a duplicate comes, in milliseconds. */
  readonly ms?: number;
  /** How many deliveries a disconnect revoked. */
  readonly revoked?: number;
}

/** The subscriber that `faulty` makes. */
export class FaultySubscriber<M extends Message = Message> implements Subscriber<FaultyMessage<M>> {
  readonly topic: string;
  readonly clock: Clock;
  readonly #capabilities: LiveCapabilities;
  readonly #inner: Subscriber<M>;
  readonly #faults: Faults;
  readonly #random: () => number;
  readonly #outlet: Outlet<FaultyMessage<M>>;
  readonly #records: FaultRecord[] = [];
  /** To be handed out, in this order. */
  readonly #ready: Parcel<M>[] = [];
  /** Handed out, and no settle of it has been sent. */
  readonly #inFlight = new Set<FaultyMessage<M>>();
  /** Duplicates that come later. */
  readonly #timers = new Set<Timer>();
  /** Present while an iterator is active. */
  #iterator: SubscriberIterator<M> | undefined;
  /** A message is being pulled, or one that was is delayed or stalled: one at a time. */
  #busy = false;
  #stalled: Promise<void> | undefined;
  #pulled = 0;
  /** The wrapped subscription has nothing more. */
  #innerOver = false;
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(inner: Subscriber<M>, faults: Faults, claim: (inner: Capabilities) => Capabilities) {
    this.topic = inner.topic;
    this.#capabilities = new LiveCapabilities([inner], () => claim(inner.capabilities));
    this.clock = faults.clock ?? inner.clock ?? systemClock;
    this.#inner = inner;
    this.#faults = faults;
    this.#random = randomFrom(faults.seed);
    this.#outlet = new Outlet(inner.topic, {
      take: (max) => this.#take(max),
      wanted: () => {
        this.#endIfOver();
        this.#pull();
      },
      released: () => this.#release(),
    });
  }

  get capabilities(): Capabilities {
    return this.#capabilities.now;
  }

  /** The faults so far. */
  get faults(): readonly FaultRecord[] {
    return this.#records;
  }

  [Symbol.asyncIterator](): SubscriberIterator<FaultyMessage<M>> {
    this.#outlet.refuseSecond();
    if (!this.#innerOver && !this.#closed.signal.aborted)
      this.#iterator = this.#inner[Symbol.asyncIterator]();
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
  get stalled(): Promise<void> | undefined {
    return this.#stalled;
  }

  /** @internal */
  get requeues(): boolean {
    return this.capabilities.requeue;
  }

  /** @internal */
  sending(message: FaultyMessage<M>): void {
    this.#inFlight.delete(message);
  }

  /** @internal */
  refused(message: FaultyMessage<M>): void {
    if (!message.revoked) this.#inFlight.add(message);
  }

  /** @internal */
  sent(): void {
    this.#endIfOver();
  }

  /** @internal */
  again(parcel: Parcel<M>, delayMs: number): void {
    if (this.#closed.signal.aborted) return;
    const arrive = (): void => {
      this.#ready.push(parcel);
      this.#outlet.serve();
    };
    if (delayMs === 0) {
      arrive();
      return;
    }
    const timer = this.clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      arrive();
    });
    this.#timers.add(timer);
  }

  #take(max: number): FaultyMessage<M>[] {
    const taken: FaultyMessage<M>[] = [];
    while (this.#stalled === undefined && taken.length < max) {
      const parcel = this.#ready.shift();
      if (parcel === undefined) break;
      // An original that was revoked underneath comes again from there.
      if (parcel.duplicate || !parcel.original.revoked) taken.push(this.#handOut(parcel));
    }
    return taken;
  }

  #handOut(parcel: Parcel<M>): FaultyMessage<M> {
    const message = new FaultyMessage(this, parcel);
    this.#inFlight.add(message);
    if (!parcel.duplicate) {
      const { signal } = parcel.original;
      signal.addEventListener("abort", () => this.#revokedUnderneath(message, signal.reason), { once: true });
    }
    return message;
  }

  #revokedUnderneath(message: FaultyMessage<M>, cause: unknown): void {
    this.#inFlight.delete(message);
    message.revoke("the delivery it wraps was revoked", cause);
    this.#endIfOver();
  }

  #pull(): void {
    if (this.#busy || this.#innerOver || this.#iterator === undefined) return;
    this.#busy = true;
    void this.#pullOne(this.#iterator);
  }

  async #pullOne(iterator: SubscriberIterator<M>): Promise<void> {
    try {
      const result = await iterator.next();
      if (!result.done) await this.#arrive(result.value);
      else if (iterator === this.#iterator) this.#innerOver = true;
    } catch (error) {
      this.#innerOver = true;
      this.#outlet.end({ error });
    }
    this.#busy = false;
    this.#outlet.serve();
    this.#endIfOver();
    if (this.#outlet.waiting > 0) this.#pull();
  }

  /** The draws are as many for each message, so that one rate does not change what another makes of a seed. */
  async #arrive(original: M): Promise<void> {
    const { duplicates, disconnects, stalls, delays } = this.#faults;
    const number = this.#pulled;
    this.#pulled += 1;
    const [duplicate, disconnect, stall, delay] = [this.#draw(), this.#draw(), this.#draw(), this.#draw()];
    if (disconnect.chance < disconnects.rate) this.#disconnect(number);
    if (stall.chance < stalls.rate) await this.#stall(number);
    if (delay.chance < delays.rate) await this.#delay(number, delay.part * delays.maxMs);
    if (this.#closed.signal.aborted) return;
    this.#ready.push({ original, number, duplicate: false, redeliveries: 0 });
    if (duplicate.chance >= duplicates.rate) return;
    const ms = duplicate.part * duplicates.withinMs;
    this.#record({ fault: "duplicate", message: number, ms });
    this.again({ original, number, duplicate: true, redeliveries: 1 }, ms);
  }

  #draw(): { readonly chance: number; readonly part: number } {
    return { chance: this.#random(), part: this.#random() };
  }

  #disconnect(number: number): void {
    const revoked = [...this.#inFlight].sort((a, b) => a.parcel.number - b.parcel.number);
    this.#record({ fault: "disconnect", message: number, revoked: revoked.length });
    this.#inFlight.clear();
    for (const message of revoked) message.revoke("the connection broke");
    this.#ready.unshift(
      ...revoked.map(({ parcel }) => ({ ...parcel, redeliveries: parcel.redeliveries + 1 })),
    );
    this.#outlet.serve();
  }

  #stall(number: number): Promise<void> {
    const { ms } = this.#faults.stalls;
    this.#record({ fault: "stall", message: number, ms });
    this.#stalled = this.#pause(ms).then(() => {
      this.#stalled = undefined;
      this.#outlet.serve();
    });
    return this.#stalled;
  }

  #delay(number: number, ms: number): Promise<void> {
    this.#record({ fault: "delay", message: number, ms });
    return this.#pause(ms);
  }

  /** Cut short by `close()`. */
  #pause(ms: number): Promise<void> {
    return sleep(this.clock, ms, this.#closed.signal).catch(() => undefined);
  }

  #record(fault: Omit<FaultRecord, "at">): void {
    this.#records.push({ ...fault, at: this.clock.now() });
  }

  /** A duplicate in flight may still be asked for again, and only this subscription would deliver it. */
  #endIfOver(): void {
    if (!this.#innerOver || this.#ready.length > 0 || this.#timers.size > 0) return;
    for (const message of this.#inFlight) if (message.duplicate) return;
    this.#outlet.end();
  }

  async #release(): Promise<void> {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    await iterator?.return();
  }

  async #close(): Promise<void> {
    this.#ready.length = 0;
    this.#outlet.end();
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    for (const message of this.#inFlight) message.revoke("the subscriber was closed");
    this.#inFlight.clear();
    this.#closed.abort();
    await this.#inner.close();
  }
}
