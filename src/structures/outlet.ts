import { AsyncSink } from "ix/asynciterable/asyncsink";
import { checkCount } from "../traits/arguments.ts";
import { SubscriberBusyError } from "../traits/errors.ts";

/**
 * Where an outlet gets its items. The outlet calls it synchronously, and it must not throw. It may call `serve()`
 * and `end()` from within.
 */
export interface Supply<T> {
  /** Gives up to `max` items that are already here. The outlet delivers every item that it takes. */
  take(max: number): T[];
  /** A `next()` waits, and nothing is here. Get something, then call `serve()`. */
  wanted?(): void;
  /** The iterator was returned, so nobody waits. Cancel what was asked for. The next iterator gets what has arrived. */
  released?(): Promise<void>;
}

/** What `iterate()` gives: a `SubscriberIterator` over any item. */
export interface OutletIterator<T> extends AsyncIterator<T, undefined, undefined> {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  /** `max` is a whole number of at least 0, or `Infinity`. */
  takeReady(max: number): T[];
}

const done = { done: true, value: undefined } as const;

/**
 * For authors of brokers: the rules of iteration. It allows one iterator at a time, answers `next()` in the order
 * of the calls, tells an error once, and ends every waiting `next()` on `return()`. It holds no items, so it can
 * lose none.
 */
export class Outlet<T extends object> {
  readonly #topic: string;
  readonly #supply: Supply<T>;
  #active: Gate<T> | undefined;
  /** No more items will come. Items that the supply still has are delivered first. */
  #over = false;
  /** `serve()` is running. A call from the supply, inside it, does nothing, because its item would overtake others. */
  #serving = false;
  /** The error that was not told yet. */
  #failure: { readonly error: unknown } | undefined;

  constructor(topic: string, supply: Supply<T>) {
    this.#topic = topic;
    this.#supply = supply;
  }

  /** Whether an iterator is active: made, not returned, and not at its end. */
  get active(): boolean {
    return this.#active !== undefined;
  }

  /** How many `next()` calls wait. */
  get waiting(): number {
    return this.#active?.waiting ?? 0;
  }

  /** Whether `end()` was called. */
  get over(): boolean {
    return this.#over;
  }

  /** Makes an iterator. Throws `SubscriberBusyError` while one is active. */
  iterate(): OutletIterator<T> {
    this.refuseSecond();
    this.#active = new Gate(this);
    return this.#active;
  }

  /** Throws `SubscriberBusyError` while an iterator is active. */
  refuseSecond(): void {
    if (this.#active) throw new SubscriberBusyError({ topic: this.#topic });
  }

  /** Answers waiting `next()` calls with items of the supply. */
  serve(): void {
    const active = this.#active;
    if (!active || this.#serving) return;
    this.#serving = true;
    while (active.waiting > 0) {
      const [item] = this.#supply.take(1);
      if (item === undefined) break;
      active.write(item);
    }
    this.#serving = false;
    if (this.#over && active.waiting > 0) this.#finish(active);
  }

  /**
   * Ends the iteration after the items that the supply still has. With `failure`, one `next()` rejects with its
   * error. Only the first call counts.
   */
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
    checkCount("takeReady(max)", max, 0, true);
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
  /** How many `next()` calls wait, which the sink does not tell. */
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
