import { type Deferred, deferred } from "../../traits/deferred.ts";
import { SubscriberBusyError } from "../../traits/errors.ts";
import { Fifo } from "./fifo.ts";

/** Where an outlet gets what it hands out. Called synchronously; must not throw. */
export interface Supply<T> {
  /** The next item that is here already. */
  take(): T | undefined;
  /** A `next()` waits and nothing was here: get something, then call `serve()`. */
  wanted?(): void;
  /** The iterator has ended: nobody waits any more. What was taken in stays for the next one. */
  released?(): void | Promise<void>;
}

/** What `iterate()` gives. The `SubscriberIterator` of the contract, over any item. */
export interface OutletIterator<T> extends AsyncIterator<T, undefined, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  takeReady(max: number): T[];
}

const done = { done: true, value: undefined } as const;

/**
 * The side of a subscriber that faces its consumer, for authors of brokers: one iterator at a time, answers in the order
 * asked, an error told once, a `return()` that ends every waiting `next()`. It holds no item itself, so there is nothing
 * in it to lose.
 */
export class Outlet<T extends object> {
  readonly #topic: string;
  readonly #supply: Supply<T>;
  #active: Gate<T> | undefined;
  /** Nothing more will come; what the supply still has is handed out first. */
  #over = false;
  /** The final error, until somebody was told. */
  #failure: { readonly error: unknown } | undefined;

  /** `topic` names the subscriber in `SubscriberBusyError`. */
  constructor(topic: string, supply: Supply<T>) {
    this.#topic = topic;
    this.#supply = supply;
  }

  /** Whether an iterator is at work: made, and neither returned nor at its end. */
  get active(): boolean {
    return this.#active !== undefined;
  }

  /** How many `next()` wait. */
  get waiting(): number {
    return this.#active?.calls.size ?? 0;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Throws `SubscriberBusyError` while an iterator is active. */
  iterate(): OutletIterator<T> {
    this.refuseSecond();
    this.#active = new Gate(this);
    return this.#active;
  }

  /** Throws `SubscriberBusyError` while an iterator is active. */
  refuseSecond(): void {
    if (this.#active) throw new SubscriberBusyError({ topic: this.#topic });
  }

  /** Something may have come: answers who waits, as far as the supply goes. */
  serve(): void {
    const active = this.#active;
    if (!active) return;
    while (active.calls.size > 0) {
      const item = this.#supply.take();
      if (item === undefined) break;
      active.calls.shift()?.resolve({ done: false, value: item });
    }
    if (this.#over && active.calls.size > 0) this.#finish(active);
  }

  /** The subscription is over, with its final error if there was one. Only the first call counts. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.serve();
  }

  /** @internal */
  next(gate: Gate<T>): Promise<IteratorResult<T, undefined>> {
    if (gate !== this.#active) return Promise.resolve(done);
    if (gate.calls.size === 0) {
      const item = this.#supply.take();
      if (item !== undefined) return Promise.resolve({ done: false, value: item });
    }
    const call = deferred<IteratorResult<T, undefined>>();
    gate.calls.push(call);
    if (this.#over) this.#finish(gate);
    else this.#supply.wanted?.();
    return call.promise;
  }

  /** @internal */
  takeReady(gate: Gate<T>, max: number): T[] {
    const taken: T[] = [];
    if (gate !== this.#active || gate.calls.size > 0) return taken;
    while (taken.length < max) {
      const item = this.#supply.take();
      if (item === undefined) break;
      taken.push(item);
    }
    return taken;
  }

  /** @internal */
  async release(gate: Gate<T>): Promise<void> {
    if (gate !== this.#active) return;
    this.#active = undefined;
    gate.end();
    await this.#supply.released?.();
  }

  #finish(gate: Gate<T>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    this.#active = undefined;
    if (failure) gate.calls.shift()?.reject(failure.error);
    gate.end();
  }
}

class Gate<T extends object> implements OutletIterator<T> {
  /** The `next()` that wait, oldest first. While one waits, the supply has nothing. */
  readonly calls: Fifo<Deferred<IteratorResult<T, undefined>>> = new Fifo();
  readonly #outlet: Outlet<T>;

  constructor(outlet: Outlet<T>) {
    this.#outlet = outlet;
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return this.#outlet.next(this);
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    await this.#outlet.release(this);
    return done;
  }

  takeReady(max: number): T[] {
    return this.#outlet.takeReady(this, max);
  }

  /** Tells every waiting `next()` that it is over. */
  end(): void {
    for (let call = this.calls.shift(); call; call = this.calls.shift()) call.resolve(done);
  }
}
