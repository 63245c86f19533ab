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
 * Checks them and fills in the defaults. What waits in a batch is unsettled: `maxWaitMs` has to be less than the ack deadline,
 * where there is one.
 */
export function readBatchOptions(options: BatchOptions, ackDeadlineMs?: number): Required<BatchOptions> {
  checkOptionNames("batches(options)", options, batchNames);
  const max = checkCount("options.max", options.max);
  const maxWaitMs = checkDuration("options.maxWaitMs", options.maxWaitMs ?? 10);
  if (ackDeadlineMs === undefined || maxWaitMs < ackDeadlineMs) return { max, maxWaitMs };
  throw new InvalidArgumentError({
    argument: "options.maxWaitMs",
    expected: `less than the ack deadline of ${ackDeadlineMs} ms, or what waits in a batch would be revoked`,
    received: maxWaitMs,
  });
}

/** Where batches are made from. */
export interface BatchSupply<T extends object> {
  /** One iterator at a time, as everywhere. */
  iterate(): OutletIterator<T>;
  /** Taken and not handed out: back to the front, in this order. */
  giveBack(items: readonly T[]): void;
  /** Whether it is still to be handed out. What was revoked meanwhile is not. */
  isLive(item: T): boolean;
}

type Result<T> = IteratorResult<T[], undefined>;

const done = { done: true, value: undefined } as const;

/** What `subscriber.batches()` gives, over any outlet; each loop over it forms its own batches. */
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
  /** Calls of `next()` that wait; the batch that forms is for the first. */
  readonly #calls = new Fifo<Deferred<Result<T>>>();
  /** Taken and not handed out. Empty while nobody waits. */
  #forming: T[] = [];
  /** Runs from the first item of `#forming` until it is handed out. */
  #timer: Timer | undefined = undefined;
  /** A `next()` of the inner iterator waits. */
  #pulling = false;
  #returned = false;
  /** The inner iterator is over; its error is still to be told. */
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

  /** Takes what is here, and waits for more unless that is enough. */
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

  /** A batch of which every item was revoked while it formed is none: the call waits on. */
  #handOut(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#forming.filter((item) => this.#supply.isLive(item));
    this.#forming = [];
    if (batch.length > 0) this.#calls.shift()?.resolve({ value: batch, done: false });
  }

  /** What was taken is the last batch; the error is told after it, once. */
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
