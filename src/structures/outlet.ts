import { AsyncSink } from "ix/asynciterable/asyncsink";
import { SubscriberBusyError } from "../traits/errors.ts";

/** Where an outlet gets what it hands out. It is called synchronously and does not throw. */
export interface Supply<T> {
  /** Up to `max` items that are here already. */
  take(max: number): T[];
  /** A `next()` waits and nothing was here: get something, then call `serve()`. */
  wanted?(): void;
  /** The iterator was returned: nobody waits any more. What was taken in stays for the next one. */
  released?(): Promise<void>;
}

/** What `iterate()` gives: the `SubscriberIterator` of the contract, over any item. */
export interface OutletIterator<T> extends AsyncIterator<T, undefined, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  takeReady(max: number): T[];
}

const done = { done: true, value: undefined } as const;

/**
 * The side of a subscriber that faces its consumer, for authors of brokers: one iterator at a time, answers in the order
 * asked, an error told once, a `return()` that ends every waiting `next()`. It holds no item itself, so that there is
 * nothing in it to lose.
 *
 * The line of waiting `next()` is an `AsyncSink` of ix, which keeps the order, ends all of them at once and tells an error
 * to one alone. It is only ever written to while somebody waits, so it buffers nothing.
 */
export class Outlet<T extends object> {
  readonly #topic: string;
  readonly #supply: Supply<T>;
  #active: Gate<T> | undefined;
  /** Nothing more will come; what the supply still has is handed out first. */
  #over = false;
  /** Not told yet. */
  #failure: { readonly error: unknown } | undefined;

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
    return this.#active?.waiting ?? 0;
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

  /** Answers who waits, as far as the supply goes. */
  serve(): void {
    const active = this.#active;
    if (!active) return;
    while (active.waiting > 0) {
      const [item] = this.#supply.take(1);
      if (item === undefined) break;
      active.write(item);
    }
    if (this.#over && active.waiting > 0) this.#finish(active);
  }

  /** Only the first call counts. */
  end(failure?: { readonly error: unknown }): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.serve();
  }

  /** @internal */
  next(iterator: Gate<T>): Promise<IteratorResult<T, undefined>> {
    if (iterator !== this.#active) return Promise.resolve(done);
    if (iterator.waiting === 0) {
      const [item] = this.#supply.take(1);
      if (item !== undefined) return Promise.resolve({ done: false, value: item });
    }
    const answer = iterator.wait();
    if (this.#over) this.#finish(iterator);
    else this.#supply.wanted?.();
    return answer;
  }

  /** @internal */
  takeReady(iterator: Gate<T>, max: number): T[] {
    return iterator === this.#active && iterator.waiting === 0 ? this.#supply.take(max) : [];
  }

  /** @internal */
  async release(iterator: Gate<T>): Promise<void> {
    if (iterator !== this.#active) return;
    this.#active = undefined;
    iterator.end();
    await this.#supply.released?.();
  }

  #finish(active: Gate<T>): void {
    const failure = this.#failure;
    this.#failure = undefined;
    this.#active = undefined;
    if (failure) active.fail(failure.error);
    active.end();
  }
}

class Gate<T extends object> implements OutletIterator<T> {
  readonly #outlet: Outlet<T>;
  readonly #line = new AsyncSink<T>();
  /** How many `next()` are in the line; the sink does not tell. */
  #waiting = 0;

  constructor(outlet: Outlet<T>) {
    this.#outlet = outlet;
  }

  get waiting(): number {
    return this.#waiting;
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

  wait(): Promise<IteratorResult<T, undefined>> {
    this.#waiting += 1;
    return this.#line.next();
  }

  write(item: T): void {
    this.#waiting -= 1;
    this.#line.write(item);
  }

  fail(error: unknown): void {
    this.#waiting -= 1;
    this.#line.error(error);
  }

  end(): void {
    this.#waiting = 0;
    this.#line.end();
  }
}
