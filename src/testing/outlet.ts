import { type Deferred, deferred } from "../traits/deferred.ts";
import { SubscriberBusyError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { SubscriberIterator } from "../traits/subscriber.ts";

/** Where an outlet gets what it hands out. */
export interface Supply<M> {
  /** Up to `max` deliveries that are here already. */
  take(max: number): M[];
  /** A `next()` waits and nothing was here. Once something is, call `serve()`. */
  wanted(): void;
  /** The iterator was returned: nobody waits any more. */
  released?(): Promise<void>;
}

const done = { done: true, value: undefined } as const;

/**
 * The side of a subscriber that faces its consumer: one iterator at a time, answers in the order asked, an error told
 * once. It holds no delivery itself, so that there is nothing in it to lose.
 */
export class Outlet<M extends Message> {
  readonly #topic: string;
  readonly #supply: Supply<M>;
  #active: OutletIterator<M> | undefined;
  /** Nothing more will come; what the supply still has is handed out first. */
  #over = false;
  /** Not told yet. */
  #failure: { readonly error: unknown } | undefined;

  constructor(topic: string, supply: Supply<M>) {
    this.#topic = topic;
    this.#supply = supply;
  }

  /** Whether an iterator is at work: made, and neither returned nor at its end. */
  get active(): boolean {
    return this.#active !== undefined;
  }

  /** How many `next()` wait. */
  get waiting(): number {
    return this.#active?.calls.length ?? 0;
  }

  iterate(): SubscriberIterator<M> {
    this.refuseSecond();
    this.#active = new OutletIterator(this);
    return this.#active;
  }

  /** Throws `SubscriberBusyError` while an iterator is active. */
  refuseSecond(): void {
    if (this.#active) throw new SubscriberBusyError({ topic: this.#topic });
  }

  /** Answers who waits, as far as the supply goes. */
  serve(): void {
    const active = this.#active;
    if (!active) return;
    for (let call = active.calls[0]; call !== undefined; call = active.calls[0]) {
      const [message] = this.#supply.take(1);
      if (message === undefined) break;
      active.calls.shift();
      call.resolve({ done: false, value: message });
    }
    if (this.#over && active.calls.length > 0) this.#finish(active);
  }

  end(failure?: { readonly error: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.serve();
  }

  /** @internal */
  next(iterator: OutletIterator<M>): Promise<IteratorResult<M, undefined>> {
    if (iterator !== this.#active) return Promise.resolve(done);
    const call = deferred<IteratorResult<M, undefined>>();
    iterator.calls.push(call);
    this.serve();
    if (this.waiting > 0) this.#supply.wanted();
    return call.promise;
  }

  /** @internal */
  takeReady(iterator: OutletIterator<M>, max: number): M[] {
    return iterator === this.#active && this.waiting === 0 ? this.#supply.take(max) : [];
  }

  /** @internal */
  async release(iterator: OutletIterator<M>): Promise<void> {
    if (iterator !== this.#active) return;
    this.#dismiss(iterator);
    await this.#supply.released?.();
  }

  #finish(active: OutletIterator<M>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) active.calls.shift()?.reject(failure.error);
    this.#dismiss(active);
  }

  #dismiss(active: OutletIterator<M>): void {
    this.#active = undefined;
    for (const call of active.calls.splice(0)) call.resolve(done);
  }
}

class OutletIterator<M extends Message> implements SubscriberIterator<M> {
  /** The `next()` that wait, oldest first. */
  readonly calls: Deferred<IteratorResult<M, undefined>>[] = [];
  readonly #outlet: Outlet<M>;

  constructor(outlet: Outlet<M>) {
    this.#outlet = outlet;
  }

  next(): Promise<IteratorResult<M, undefined>> {
    return this.#outlet.next(this);
  }

  async return(): Promise<IteratorResult<M, undefined>> {
    await this.#outlet.release(this);
    return done;
  }

  takeReady(max: number): M[] {
    return this.#outlet.takeReady(this, max);
  }
}
