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

type Result = IteratorResult<MemoryMessage, undefined>;

/** Who is in which group of which connection's broker. */
const groups = new WeakMap<Broker<MemoryConnection>, Map<string, Set<RebalancedSubscriber>>>();
const brokers = new WeakMap<MemoryConnection, Broker<MemoryConnection>>();

/**
 * A sound subscriber that starts afresh whenever a member joins its group or leaves it: what it holds is revoked, and goes
 * to whoever pulls next.
 */
class RebalancedSubscriber implements Subscriber<MemoryMessage> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly #connection: MemoryConnection;
  readonly #open: () => Promise<MemorySubscriber>;
  readonly #members: Set<RebalancedSubscriber> | undefined;
  #real: MemorySubscriber;
  #iterator: SubscriberIterator<MemoryMessage> | undefined;
  /** Ends when the last rebalance asked for is over; calls of `next()` wait for it. */
  #steady: Promise<void> = Promise.resolve();
  #closed = false;
  #active: object | undefined;
  /** Came in the moment in which its loop ended: for the next one. */
  #kept: MemoryMessage[] = [];

  constructor(
    connection: MemoryConnection,
    real: MemorySubscriber,
    open: () => Promise<MemorySubscriber>,
    members: Set<RebalancedSubscriber> | undefined,
  ) {
    this.#connection = connection;
    this.#real = real;
    this.#open = open;
    this.#members = members;
    this.topic = real.topic;
    this.capabilities = modest(real.capabilities);
    this.#shake();
    members?.add(this);
  }

  [Symbol.asyncIterator](): SubscriberIterator<MemoryMessage> {
    if (this.#active !== undefined) throw new SubscriberBusyError({ topic: this.topic });
    const iterator: SubscriberIterator<MemoryMessage> = {
      next: () => (this.#active === iterator ? this.#next(iterator) : ended()),
      return: async () => {
        if (this.#active !== iterator) return ended();
        this.#active = undefined;
        await this.#iterator?.return?.();
        this.#iterator = undefined;
        return ended();
      },
    };
    this.#active = iterator;
    return iterator;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const left = this.#members?.delete(this) === true && this.#connection.state === "open";
    await this.#real.close();
    if (left) this.#shake();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #shake(): void {
    for (const member of this.#members ?? []) member.#rebalance();
  }

  #rebalance(): void {
    this.#steady = this.#steady.then(async () => {
      if (this.#closed) return;
      const old = this.#real;
      // Opening fails only when the connection is over: then the old one has its failure still to tell.
      const fresh = await this.#open().catch(() => undefined);
      if (fresh === undefined) return;
      this.#real = fresh;
      this.#iterator = undefined;
      await old.close();
      if (this.#closed) await fresh.close();
    });
  }

  async #next(caller: object): Promise<Result> {
    for (;;) {
      await this.#steady;
      if (this.#closed || this.#active !== caller) return ended();
      const real = this.#real;
      this.#kept = this.#kept.filter(({ revoked }) => revoked === undefined);
      const value = this.#kept.shift();
      if (value !== undefined) return { done: false, value };
      this.#iterator ??= real[Symbol.asyncIterator]();
      const [answer] = await Promise.allSettled([this.#iterator.next()]);
      await this.#steady;
      // Whatever ended the old one meanwhile ended the new one too, which tells of it.
      if (real !== this.#real) continue;
      if (answer.status === "rejected") throw answer.reason;
      const result = answer.value;
      if (result.done || (result.value.revoked === undefined && this.#active === caller)) return result;
      if (result.value.revoked === undefined) this.#kept.push(result.value);
    }
  }
}

function ended(): Promise<Result> {
  return Promise.resolve({ done: true, value: undefined });
}

function modest(capabilities: Capabilities): Capabilities {
  return { ...capabilities, batches: false, seek: false, pause: false };
}

/** The memory broker with groups that rebalance, and no promise beyond the contract. */
export const rebalancingFixture: Fixture<MemoryConnection> = {
  ...memoryFixture,
  name: "rebalancing",
  broker: (environment) => {
    const real = new MemoryBroker(memoryOptions(environment));
    const broker: Broker<MemoryConnection> = {
      name: real.name,
      connect: async (options) => {
        const connection = await real.connect(options);
        brokers.set(connection, broker);
        return connection;
      },
    };
    groups.set(broker, new Map());
    return broker;
  },
  source: (topic, options) => wrap(memoryFixture.source(topic, options), options.group),
  patternSource: (pattern, options) => {
    const source = memoryFixture.patternSource?.(pattern, options);
    if (source === undefined) throw new Error("the memory fixture has patterns");
    return wrap(source, options.group);
  },
  rebalances: true,
  promises: {},
};

function wrap(
  source: SubscriptionSource<MemoryConnection>,
  group: string | undefined,
): SubscriptionSource<MemoryConnection> {
  return {
    topic: source.topic,
    capabilities: modest(source.capabilities),
    open: async (given: Connection) => {
      const connection = given as MemoryConnection;
      const open = async (): Promise<MemorySubscriber> => (await source.open(connection)) as MemorySubscriber;
      const members = membersOf(connection, source.topic, group);
      return new RebalancedSubscriber(connection, await open(), open, members);
    },
  };
}

function membersOf(
  connection: MemoryConnection,
  topic: string,
  group: string | undefined,
): Set<RebalancedSubscriber> | undefined {
  const broker = brokers.get(connection);
  const known = broker && groups.get(broker);
  if (known === undefined || group === undefined) return undefined;
  const name = `${topic} ${group}`;
  const members = known.get(name) ?? new Set();
  known.set(name, members);
  return members;
}
