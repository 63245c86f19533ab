import { Fifo } from "../../../structures/fifo.ts";
import { checkCount } from "../../../traits/arguments.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import type { SubscriberIterator } from "../../../traits/subscriber.ts";
import type { MemoryMessage } from "../message/message.ts";
import type { Consumer, Taker } from "./consumer.ts";

type Result = IteratorResult<MemoryMessage, undefined>;

const done: Result = { value: undefined, done: true };

/** Takes one delivery a call, when it is called: nothing is held here. */
export class PullIterator implements SubscriberIterator<MemoryMessage>, Taker {
  readonly #consumer: Consumer;
  /** Calls of `next()` that wait. While one waits, nothing is there to take. */
  readonly #calls = new Fifo<Deferred<Result>>();
  #returned = false;

  constructor(consumer: Consumer) {
    consumer.begin(this);
    this.#consumer = consumer;
  }

  next(): Promise<Result> {
    if (this.#returned) return Promise.resolve(done);
    if (!this.#consumer.open) return this.#last();
    const message = this.#calls.size === 0 ? this.#consumer.take() : undefined;
    if (message !== undefined) return Promise.resolve({ value: message, done: false });
    const call = deferred<Result>();
    this.#calls.push(call);
    this.#consumer.want();
    return call.promise;
  }

  takeReady(max: number): MemoryMessage[] {
    checkCount("takeReady(max)", max, 0, true);
    if (max === 0 || this.#returned || this.#calls.size > 0) return [];
    const first = this.#consumer.take();
    if (first === undefined) return [];
    // Made with its first element: an empty one gets room for 17 with its first `push`, and most are asked for one.
    const taken = [first];
    while (taken.length < max) {
      const message = this.#consumer.take();
      if (message === undefined) break;
      taken.push(message);
    }
    return taken;
  }

  return(): Promise<Result> {
    this.#returned = true;
    this.#consumer.stop(this);
    for (const call of this.#calls) call.resolve(done);
    this.#calls.clear();
    return Promise.resolve(done);
  }

  accept(message: MemoryMessage): boolean {
    this.#calls.shift()?.resolve({ value: message, done: false });
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

  #last(): Promise<Result> {
    const failure = this.#consumer.takeFailure();
    return failure === undefined ? Promise.resolve(done) : Promise.reject(failure);
  }
}
