import { Fifo } from "../../structures/fifo.ts";
import type { OutletIterator } from "../../structures/outlet.ts";
import { checkCount, checkDuration } from "../../traits/arguments.ts";
import type { Clock, Timer } from "../../traits/clock.ts";
import { type Deferred, deferred } from "../../traits/deferred.ts";
import { InvalidArgumentError } from "../../traits/errors.ts";
import { checkOptionNames, optionNames } from "../../traits/option-names.ts";
import type { BatchOptions } from "../../traits/subscriber.ts";

const batchNames = optionNames<BatchOptions>()({ max: true, maxWaitMs: true });

/**
 * Checks the options and fills in the defaults. `maxWaitMs` must be less than the ack deadline, because deliveries
 * that wait in a batch are unsettled.
 */
export function readBatchOptions(options: BatchOptions, ackDeadlineMs?: number): Required<BatchOptions> {
  checkOptionNames("batches(options)", options, batchNames);
  const max = checkCount("options.max", options.max);
  const maxWaitMs = checkDuration("options.maxWaitMs", options.maxWaitMs ?? 10);
  if (ackDeadlineMs === undefined || maxWaitMs < ackDeadlineMs) return { max, maxWaitMs };
  throw new InvalidArgumentError({
    argument: "options.maxWaitMs",
    expected: `less than the ack deadline of ${ackDeadlineMs} ms, because deliveries that wait in a batch would be revoked`,
    received: maxWaitMs,
  });
}

/** Where batches get their items. */
export interface BatchSupply<T extends object> {
  /** Makes an iterator. Throws `SubscriberBusyError` while one is active. */
  iterate(): OutletIterator<T>;
  /** Returns items that were taken but not delivered. They are delivered first, in this order. */
  giveBack(items: readonly T[]): void;
  /** Whether to deliver the item. A revoked delivery is not. */
  isLive(item: T): boolean;
}

type Result<T> = IteratorResult<T[], undefined>;

const done = { done: true, value: undefined } as const;

/** What `subscriber.batches()` gives, over any outlet. Each loop over it forms its own batches. */
export class Batches<T extends object> implements AsyncIterable<T[]> {
  readonly #supply: BatchSupply<T>;
  readonly #clock: Clock;
  readonly #options: Required<BatchOptions>;

  /** See `readBatchOptions`. */
  constructor(supply: BatchSupply<T>, clock: Clock, options: BatchOptions, ackDeadlineMs?: number) {
    this.#supply = supply;
    this.#clock = clock;
    this.#options = readBatchOptions(options, ackDeadlineMs);
  }

  [Symbol.asyncIterator](): AsyncIterator<T[], undefined, undefined> {
    const { max, maxWaitMs } = this.#options;
    return new BatchIterator(this.#supply, this.#clock, max, maxWaitMs);
  }
}

class BatchIterator<T extends object> implements AsyncIterator<T[], undefined, undefined> {
  readonly #supply: BatchSupply<T>;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #maxWaitMs: number;
  readonly #inner: OutletIterator<T>;
  /** Waiting calls of `next()`. The batch that forms is for the first. */
  readonly #calls = new Fifo<Deferred<Result<T>>>();
  /** Items that were taken and not delivered. Empty while nobody waits. */
  #forming: T[] = [];
  /** Runs from the first item of `#forming` until the batch is delivered. */
  #timer: Timer | undefined = undefined;
  /** A `next()` of the inner iterator waits. */
  #pulling = false;
  #returned = false;
  /** Set when the inner iterator is over, until its error is told. */
  #over: { readonly failure?: { readonly error: unknown } } | undefined = undefined;

  constructor(supply: BatchSupply<T>, clock: Clock, max: number, maxWaitMs: number) {
    this.#supply = supply;
    this.#clock = clock;
    this.#max = max;
    this.#maxWaitMs = maxWaitMs;
    this.#inner = supply.iterate();
  }

  next(): Promise<Result<T>> {
    if (this.#returned) return Promise.resolve(done);
    const call = deferred<Result<T>>();
    this.#calls.push(call);
    if (this.#calls.size === 1) this.#fill();
    return call.promise;
  }

  async return(): Promise<Result<T>> {
    if (!this.#returned) {
      this.#returned = true;
      this.#giveBack();
      for (let call = this.#calls.shift(); call; call = this.#calls.shift()) call.resolve(done);
      await this.#inner.return();
    }
    return done;
  }

  /** Takes items that are here, and waits for more until they are enough. */
  #fill(): void {
    while (this.#calls.size > 0) {
      if (!this.#pulling) {
        for (const item of this.#inner.takeReady(this.#max - this.#forming.length)) this.#add(item);
      }
      if (this.#over !== undefined) {
        this.#finish();
        return;
      }
      if (!this.#isComplete()) {
        this.#pull();
        return;
      }
      this.#handOut();
    }
  }

  #pull(): void {
    if (this.#pulling) return;
    this.#pulling = true;
    this.#inner.next().then(
      (result) => this.#pulled(result),
      (error: unknown) => this.#ended({ failure: { error } }),
    );
  }

  #pulled(result: IteratorResult<T, undefined>): void {
    this.#pulling = false;
    if (result.done) this.#ended({});
    else if (this.#returned || this.#calls.size === 0) this.#supply.giveBack([result.value]);
    else {
      this.#add(result.value);
      this.#fill();
    }
  }

  #ended(over: { readonly failure?: { readonly error: unknown } }): void {
    this.#pulling = false;
    this.#over = over;
    this.#fill();
  }

  #add(item: T): void {
    this.#forming.push(item);
    if (this.#timer !== undefined || this.#maxWaitMs === 0) return;
    this.#timer = this.#clock.schedule(this.#maxWaitMs, () => {
      this.#timer = undefined;
      this.#handOut();
      this.#fill();
    });
  }

  #isComplete(): boolean {
    return this.#forming.length >= (this.#maxWaitMs === 0 ? 1 : this.#max);
  }

  /** Delivers the batch. If every item was revoked while it formed, the call goes on waiting. */
  #handOut(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#forming.filter((item) => this.#supply.isLive(item));
    this.#forming = [];
    if (batch.length > 0) this.#calls.shift()?.resolve({ value: batch, done: false });
  }

  /** The items taken so far are the last batch. The error comes after it, once. */
  #finish(): void {
    this.#handOut();
    for (let call = this.#calls.shift(); call; call = this.#calls.shift()) {
      const failure = this.#over?.failure;
      this.#over = {};
      if (failure === undefined) call.resolve(done);
      else call.reject(failure.error);
    }
  }

  #giveBack(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const unseen = this.#forming;
    this.#forming = [];
    if (unseen.length > 0) this.#supply.giveBack(unseen);
  }
}
