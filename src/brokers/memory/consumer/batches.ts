import { Fifo } from "../../../structures/fifo.ts";
import type { Clock, Timer } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import type { BatchOptions } from "../../../traits/subscriber.ts";
import { readBatchOptions } from "../../shared/batches.ts";
import { deliveries, type MemoryMessage } from "../message/message.ts";
import type { Consumer, Taker } from "./consumer.ts";

type Result = IteratorResult<MemoryMessage[], undefined>;

const done: Result = { value: undefined, done: true };

/** What `subscriber.batches()` gives; each loop over it forms its own batches. */
export class Batches implements AsyncIterable<MemoryMessage[]> {
  readonly #consumer: Consumer;
  readonly #clock: Clock;
  readonly #options: Required<BatchOptions>;

  constructor(consumer: Consumer, clock: Clock, options: BatchOptions, ackDeadlineMs: number | undefined) {
    this.#consumer = consumer;
    this.#clock = clock;
    this.#options = readBatchOptions(options, ackDeadlineMs);
  }

  [Symbol.asyncIterator](): BatchIterator {
    const { max, maxWaitMs } = this.#options;
    return new BatchIterator(this.#consumer, this.#clock, max, maxWaitMs);
  }
}

class BatchIterator implements AsyncIterator<MemoryMessage[], undefined, undefined>, Taker {
  readonly #consumer: Consumer;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #maxWaitMs: number;
  /** Calls of `next()` that wait; the batch that forms is for the first. */
  readonly #calls = new Fifo<Deferred<Result>>();
  /** Taken and not handed out. Never `#max` of them between two calls, and none while nobody waits. */
  #forming: MemoryMessage[] = [];
  /** Runs from the first message in `#forming` until it is handed out. */
  #timer: Timer | undefined = undefined;
  #returned = false;

  constructor(consumer: Consumer, clock: Clock, max: number, maxWaitMs: number) {
    consumer.begin(this);
    this.#consumer = consumer;
    this.#clock = clock;
    this.#max = max;
    this.#maxWaitMs = maxWaitMs;
  }

  next(): Promise<Result> {
    if (this.#returned) return Promise.resolve(done);
    const call = deferred<Result>();
    this.#calls.push(call);
    if (!this.#consumer.open) this.finish();
    else if (this.#calls.size === 1) this.#fill();
    return call.promise;
  }

  return(): Promise<Result> {
    this.#returned = true;
    this.#consumer.stop(this);
    this.giveBack();
    for (const call of this.#calls) call.resolve(done);
    this.#calls.clear();
    return Promise.resolve(done);
  }

  accept(message: MemoryMessage): boolean {
    this.#add(message);
    if (this.#isComplete()) this.#handOut();
    return this.#calls.size > 0;
  }

  finish(): void {
    for (const call of this.#calls) {
      const failure = this.#consumer.takeFailure();
      if (failure === undefined) call.resolve(done);
      else call.reject(failure);
    }
    this.#calls.clear();
  }

  giveBack(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const unseen = this.#forming;
    this.#forming = [];
    for (const message of unseen) deliveries.untake(message);
  }

  #fill(): void {
    while (this.#forming.length < this.#max) {
      const message = this.#consumer.take();
      if (message === undefined) break;
      this.#add(message);
    }
    if (this.#isComplete()) this.#handOut();
    else this.#consumer.want();
  }

  #add(message: MemoryMessage): void {
    this.#forming.push(message);
    if (this.#timer !== undefined || this.#isComplete()) return;
    this.#timer = this.#clock.schedule(this.#maxWaitMs, () => {
      this.#handOut();
      if (this.#calls.size === 0) this.#consumer.stopWanting();
    });
  }

  #isComplete(): boolean {
    const enough = this.#maxWaitMs === 0 ? 1 : this.#max;
    return this.#forming.length >= enough;
  }

  /** A batch of which every delivery was revoked while it formed (by a seek) is none: the call waits on. */
  #handOut(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const batch = this.#forming.filter((message) => message.revoked === undefined);
    this.#forming = [];
    for (const message of batch) deliveries.restartDeadline(message);
    if (batch.length > 0) this.#calls.shift()?.resolve({ value: batch, done: false });
  }
}
