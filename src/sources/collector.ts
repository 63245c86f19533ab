import { Outlet, type OutletIterator } from "../structures/outlet.ts";
import type { Clock, Timer } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber, SubscriberIterator } from "../traits/subscriber.ts";

interface Held<M> {
  readonly message: M;
  /** When it got here. */
  readonly at: number;
}

/** Collects the messages of a subscriber into batches: those of the iterator that is active, one at a time. */
export class Collector<M extends Message> {
  readonly #subscriber: Subscriber<M>;
  readonly #clock: Clock;
  readonly #outlet: Outlet<M[]>;
  /** Collected and not handed out, oldest first. Outlives the iterator it was collected for. */
  readonly #held: Held<M>[] = [];
  /** What the active iterator asked for. */
  #max = 1;
  #maxWaitMs = 0;
  /** Present while an iterator is active. */
  #iterator: SubscriberIterator<M> | undefined;
  /** A `next()` of an iterator, this one or the one before, has no answer yet. */
  #pulling = false;
  /** Armed only while somebody waits and the first message of their batch is here. */
  #timer: Timer | undefined;
  /** Nothing more will come: what is held is a batch, full or not. */
  #over = false;

  constructor(subscriber: Subscriber<M>, clock: Clock) {
    this.#subscriber = subscriber;
    this.#clock = clock;
    this.#outlet = new Outlet(subscriber.topic, {
      take: (max) => this.#take(max),
      wanted: () => this.#wanted(),
      released: () => this.#release(),
    });
  }

  iterate(max: number, maxWaitMs: number): OutletIterator<M[]> {
    this.#outlet.refuseSecond();
    if (!this.#over) this.#iterator = this.#subscriber[Symbol.asyncIterator]();
    this.#max = max;
    this.#maxWaitMs = maxWaitMs;
    return this.#outlet.iterate();
  }

  /** Ends iteration and forgets what is held. The subscriber requeues it. */
  close(): void {
    this.#held.length = 0;
    this.#end();
  }

  #take(count: number): M[][] {
    const batches: M[][] = [];
    while (batches.length < count) {
      this.#fill();
      if (!this.#complete()) break;
      if (this.#dropRevoked()) continue;
      this.#disarm();
      batches.push(this.#held.splice(0, this.#max).map(({ message }) => message));
    }
    return batches;
  }

  #fill(): void {
    const room = this.#max - this.#held.length;
    if (this.#pulling || room <= 0) return;
    for (const message of this.#iterator?.takeReady?.(room) ?? []) this.#hold(message);
  }

  #complete(): boolean {
    const first = this.#held[0];
    if (first === undefined) return false;
    return this.#over || this.#held.length >= this.#max || this.#clock.now() >= first.at + this.#maxWaitMs;
  }

  #wanted(): void {
    this.#arm();
    this.#pull();
  }

  #pull(): void {
    const iterator = this.#iterator;
    if (this.#pulling || iterator === undefined) return;
    this.#pulling = true;
    iterator.next().then(
      (result) => this.#answered(iterator, result),
      (error: unknown) => this.#end({ error }),
    );
  }

  #answered(iterator: SubscriberIterator<M>, result: IteratorResult<M, undefined>): void {
    this.#pulling = false;
    if (this.#over) return;
    if (!result.done) this.#hold(result.value);
    else if (iterator === this.#iterator) this.#end();
    this.#serve();
  }

  #serve(): void {
    this.#outlet.serve();
    if (this.#outlet.waiting > 0) this.#wanted();
  }

  #hold(message: M): void {
    this.#held.push({ message, at: this.#clock.now() });
  }

  /** A message whose delivery was revoked while it was held comes again from its broker. Lets go of those; says whether any was. */
  #dropRevoked(): boolean {
    const live = this.#held.filter(({ message }) => !message.revoked);
    const some = live.length < this.#held.length;
    if (some) this.#held.splice(0, this.#held.length, ...live);
    return some;
  }

  #arm(): void {
    const first = this.#held[0];
    if (this.#timer !== undefined || first === undefined) return;
    const leftMs = Math.max(0, first.at + this.#maxWaitMs - this.#clock.now());
    this.#timer = this.#clock.schedule(leftMs, () => {
      this.#timer = undefined;
      this.#serve();
    });
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    this.#iterator = undefined;
    this.#disarm();
    this.#outlet.end(failure);
  }

  async #release(): Promise<void> {
    this.#disarm();
    const iterator = this.#iterator;
    this.#iterator = undefined;
    await iterator?.return();
  }
}
