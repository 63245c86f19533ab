import {
  type Capabilities,
  type Connection,
  type MemoryConnection,
  type MemoryMessage,
  type MemorySubscriber,
  Outlet,
  type Subscriber,
  type SubscriberIterator,
  type SubscriptionSource,
} from "tidelane";
import type { Fixture } from "tidelane/conformance";
import { memoryFixture } from "./memory-fixture.ts";

/** A sound subscriber built as those of the servers are: an `Outlet` faces the consumer, and what comes waits behind it. */
class OutletSubscriber implements Subscriber<MemoryMessage> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly #real: MemorySubscriber;
  readonly #outlet: Outlet<MemoryMessage>;
  #source: SubscriberIterator<MemoryMessage>;
  /** What came while somebody waited, and nobody was answered with. */
  readonly #inbox: MemoryMessage[] = [];
  #asking = false;

  constructor(real: MemorySubscriber, capabilities: Capabilities) {
    this.#real = real;
    this.topic = real.topic;
    this.capabilities = capabilities;
    this.#source = real[Symbol.asyncIterator]();
    this.#outlet = new Outlet(real.topic, {
      take: (max) => this.#take(max),
      wanted: () => void this.#ask(),
      released: () => this.#release(),
    });
  }

  [Symbol.asyncIterator](): SubscriberIterator<MemoryMessage> {
    return this.#outlet.iterate();
  }

  async close(): Promise<void> {
    await this.#real.close();
    this.#outlet.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #take(max: number): MemoryMessage[] {
    // Allowed to a supply, and without effect: the call it is within answers whoever waits.
    this.#outlet.serve();
    const held = this.#inbox.splice(0, max).filter(({ revoked }) => revoked === undefined);
    return [...held, ...(this.#source.takeReady?.(max - held.length) ?? [])];
  }

  get #isWaitedFor(): boolean {
    return this.#outlet.active && !this.#outlet.over && this.#outlet.waiting > 0;
  }

  /** One `next()` of the real iterator at a time, for as long as somebody waits. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const source = this.#source;
    try {
      while (source === this.#source && this.#isWaitedFor) {
        const result = await source.next();
        if (!result.done) this.#inbox.push(result.value);
        else if (source === this.#source) return this.#outlet.end();
        this.#outlet.serve();
      }
    } catch (error) {
      this.#outlet.end({ error });
    } finally {
      if (source === this.#source) this.#asking = false;
    }
  }

  /** Ends the waiting `next()` of the real iterator: what comes from now on stays with the broker. */
  async #release(): Promise<void> {
    const ended = this.#source.return();
    this.#source = this.#real[Symbol.asyncIterator]();
    this.#asking = false;
    await ended;
  }
}

function modest(capabilities: Capabilities): Capabilities {
  return { ...capabilities, batches: false, seek: false, pause: false };
}

/** The memory broker behind subscribers over an outlet. */
export const outletFixture: Fixture<MemoryConnection> = {
  ...memoryFixture,
  name: "outlet",
  source: (topic, options) => wrap(memoryFixture.source(topic, options)),
  patternSource: (pattern, options) => {
    const source = memoryFixture.patternSource?.(pattern, options);
    if (source === undefined) throw new Error("the memory fixture has patterns");
    return wrap(source);
  },
  // What came when nobody waited any more counts as delivered, and waits here for the next loop.
  promises: { ...memoryFixture.promises, noPrefetch: false, countsExactly: false },
};

function wrap(source: SubscriptionSource<MemoryConnection>): SubscriptionSource<MemoryConnection> {
  const capabilities = modest(source.capabilities);
  return {
    topic: source.topic,
    capabilities,
    open: async (connection: Connection) => {
      const real = await source.open(connection as MemoryConnection);
      return new OutletSubscriber(real as MemorySubscriber, capabilities);
    },
  };
}
