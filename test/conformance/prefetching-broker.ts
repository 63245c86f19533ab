import {
  type Broker,
  type Capabilities,
  type Connection,
  MemoryBroker,
  type MemoryConnection,
  type MemoryMessage,
  type MemorySubscriber,
  type Subscriber,
  SubscriberBusyError,
  type SubscriberIterator,
  type SubscriptionSource,
} from "tidelane";
import type { Fixture } from "tidelane/conformance";
import { memoryFixture, memoryOptions } from "./memory-fixture.ts";

const prefetch = 3;

/**
 * A sound subscriber as a live broker has it: deliveries are fetched ahead, into an inbox that outlives its loops, and
 * what is fetched counts as delivered before anybody has seen it.
 */
class PrefetchingSubscriber implements Subscriber<MemoryMessage> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly #real: MemorySubscriber;
  readonly #source: SubscriberIterator<MemoryMessage>;
  #inbox: MemoryMessage[] = [];
  #calls: {
    readonly resolve: (result: IteratorResult<MemoryMessage, undefined>) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  #fetching = false;
  #over: { error: unknown } | "closed" | undefined;
  #active: object | undefined;

  constructor(real: MemorySubscriber) {
    this.#real = real;
    this.topic = real.topic;
    this.capabilities = modest(real.capabilities);
    this.#source = real[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): SubscriberIterator<MemoryMessage> {
    if (this.#active !== undefined) throw new SubscriberBusyError({ topic: this.topic });
    const iterator: SubscriberIterator<MemoryMessage> = {
      next: () => (this.#active === iterator ? this.#next() : ended()),
      return: () => {
        if (this.#active !== iterator) return ended();
        this.#active = undefined;
        this.#answerAll();
        return ended();
      },
    };
    this.#active = iterator;
    return iterator;
  }

  async close(): Promise<void> {
    this.#over ??= "closed";
    this.#inbox = [];
    this.#answerAll();
    await this.#real.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #next(): Promise<IteratorResult<MemoryMessage, undefined>> {
    // When the connection dies, its prefetched deliveries are revoked.
    this.#inbox = this.#inbox.filter(({ revoked }) => revoked === undefined);
    const value = this.#inbox.shift();
    if (value !== undefined) {
      void this.#fetch();
      return Promise.resolve({ done: false, value });
    }
    if (typeof this.#over === "object") {
      const { error } = this.#over;
      this.#over = "closed";
      return Promise.reject(error);
    }
    if (this.#over !== undefined) return ended();
    const answer = new Promise<IteratorResult<MemoryMessage, undefined>>((resolve, reject) =>
      this.#calls.push({ resolve, reject }),
    );
    void this.#fetch();
    return answer;
  }

  async #fetch(): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    while (this.#over === undefined && this.#inbox.length < prefetch) {
      try {
        const result = await this.#source.next();
        if (result.done) this.#over ??= "closed";
        else this.#accept(result.value);
      } catch (error) {
        this.#over ??= { error };
      }
    }
    this.#fetching = false;
    if (this.#over !== undefined) this.#answerAll();
  }

  #accept(message: MemoryMessage): void {
    const call = this.#calls.shift();
    if (call === undefined) this.#inbox.push(message);
    else call.resolve({ done: false, value: message });
  }

  /** A failure is for the first who waits. */
  #answerAll(): void {
    const [first, ...others] = this.#calls.splice(0);
    if (first === undefined) return;
    if (typeof this.#over === "object") {
      first.reject(this.#over.error);
      this.#over = "closed";
    } else {
      first.resolve({ done: true, value: undefined });
    }
    for (const call of others) call.resolve({ done: true, value: undefined });
  }
}

function ended(): Promise<IteratorResult<MemoryMessage, undefined>> {
  return Promise.resolve({ done: true, value: undefined });
}

function modest(capabilities: Capabilities): Capabilities {
  return { ...capabilities, batches: false, seek: false, pause: false };
}

/** The memory broker behind prefetching subscribers, which promises no more than the contract. */
export const prefetchingFixture: Fixture<MemoryConnection> = {
  ...memoryFixture,
  name: "prefetching",
  broker: (environment): Broker<MemoryConnection> => new MemoryBroker(memoryOptions(environment)),
  source: (topic, options) => wrap(memoryFixture.source(topic, options)),
  patternSource: (pattern, options) => {
    const source = memoryFixture.patternSource?.(pattern, options);
    if (source === undefined) throw new Error("the memory fixture has patterns");
    return wrap(source);
  },
  promises: {},
};

function wrap(source: SubscriptionSource<MemoryConnection>): SubscriptionSource<MemoryConnection> {
  return {
    topic: source.topic,
    capabilities: modest(source.capabilities),
    open: async (connection: Connection) =>
      new PrefetchingSubscriber((await source.open(connection as MemoryConnection)) as MemorySubscriber),
  };
}
