import { AssertionError } from "node:assert";
import { inspect, isDeepStrictEqual } from "node:util";
import { type App, type DeclaredApp, declaredApp } from "../app/app.ts";
import type { BrokerName, Brokers } from "../app/brokers.ts";
import type { Channel } from "../app/channel.ts";
import type { SubscriptionPlan } from "../app/definition.ts";
import { Instance } from "../app/instance.ts";
import { checkOptions } from "../app/options.ts";
import { usualSource } from "../app/plan.ts";
import type { Publish } from "../app/publishing.ts";
import type { Request } from "../app/request.ts";
import { MemoryBroker } from "../brokers/memory/broker.ts";
import { checkDuration } from "../traits/arguments.ts";
import type { SubscriptionSource } from "../traits/broker.ts";
import type { StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { optionNames } from "../traits/option-names.ts";
import type { DeadLetter, PublishedMessage, RetriedDelivery, SettledDelivery } from "./app-events.ts";
import { AppRecord } from "./app-record.ts";
import { quiescence } from "./quiescence.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Options of `testApp(app, options)`. */
export interface TestAppOptions<State = unknown> {
  /**
   * The state, in place of what `onStart` makes. Then neither `onStart` nor `onStop` runs. @default what `onStart`
   * returns
   */
  readonly state?: State;
  /**
   * How long, in real milliseconds, handlers may take until everything is quiet. Then the call rejects and names
   * those that have not returned. @default 5_000
   */
  readonly patienceMs?: number;
}

type AnyChannel<Value> = Channel<string, Value, unknown, StandardSchema | undefined>;

/** An app under test. Its own handlers run on the memory broker, and only the test moves time. */
export interface TestApp<State = unknown, On extends string = never> extends AsyncDisposable {
  /** The state that the handlers get. */
  readonly state: State;
  readonly clock: VirtualClock;
  /**
   * Publishes from outside. Resolves when everything that it led to is handled, and nothing more can happen until
   * the clock moves.
   */
  readonly publish: Publish<On>;
  /** Sends a request from outside. Resolves or rejects as `app.request` does. */
  readonly request: Request<On>;
  /**
   * Moves the clock by `ms` milliseconds, and waits until everything is quiet: retries that are due have run, and
   * what they led to is handled.
   */
  advance(ms: number): Promise<void>;
  /** The values that the app published on a channel, in order. It does not have what the test published. */
  published<Value>(channel: AnyChannel<Value>): Value[];
  /** The same, with topic, key and headers. */
  publishedMessages<Value>(channel: AnyChannel<Value>): PublishedMessage<Value>[];
  /** The values that a handler of the channel got, one for each delivery. */
  received<Value>(channel: AnyChannel<Value>): Value[];
  /** How each delivery of the channel ended. */
  settled<Value>(channel: AnyChannel<Value>): SettledDelivery<Value>[];
  /** The runs of the channel that failed and are retried. */
  retried<Value>(channel: AnyChannel<Value>): RetriedDelivery<Value>[];
  /** The messages of the channel that were dead-lettered. */
  deadLettered<Value>(channel: AnyChannel<Value>): DeadLetter<Value>[];
  /**
   * Throws an `AssertionError` if `published(channel)` differs from `expected`. The error lists everything that
   * happened.
   */
  expectPublished<Value>(channel: AnyChannel<Value>, expected: readonly NoInfer<Value>[]): void;
  /** Waits as `publish` does. Use it after a publish by other means, such as `app.publisher`. */
  quiet(): Promise<void>;
  /** Everything that happened, one line each. */
  story(): string;
  /** Drains the app and closes everything. `await using` calls it. */
  close(): Promise<void>;
}

const names = optionNames<TestAppOptions>()({ state: true, patienceMs: true });

/**
 * Starts an app for a test: the same app, on the memory broker and a virtual clock.
 *
 * @example
 * await using test = await testApp(app);
 * await test.publish(orders, { customer: "ann", total: 3 });
 * expect(test.published(invoices)).toEqual([{ customer: "ann", amount: 3 }]);
 */
export async function testApp<B extends Brokers, State, DeadLetters extends boolean>(
  app: App<B, State, DeadLetters>,
  options: TestAppOptions<NoInfer<State>> = {},
): Promise<TestApp<State, BrokerName<B>>> {
  const declared = declaredApp("testApp(app)", app);
  checkOptions("testApp(app, options)", options, names);
  const { patienceMs = 5_000 } = options;
  checkDuration("testApp(app, options): patienceMs", patienceMs);
  checkFree(declared);
  const test = new RunningTest(declared, options, patienceMs);
  await test.start();
  return test as unknown as TestApp<State, BrokerName<B>>;
}

function checkFree({ tested, health }: DeclaredApp): void {
  if (!tested && health.state === "idle") return;
  throw new InvalidArgumentError({
    argument: "testApp(app)",
    expected: "an app that neither runs nor is under another test: close that one first, as await using does",
    received: tested ? "an app under test" : `an app that is ${health.state}`,
  });
}

class RunningTest {
  readonly clock: VirtualClock = new VirtualClock();
  readonly #app: DeclaredApp;
  readonly #record: AppRecord;
  readonly #instance: Instance;
  readonly #patienceMs: number;
  #made: unknown;

  constructor(app: DeclaredApp, options: TestAppOptions, patienceMs: number) {
    const { definition } = app;
    this.#app = app;
    this.#patienceMs = patienceMs;
    this.#record = new AppRecord(definition);
    this.#made = options.state;
    const brokers = new Map(
      Array.from(definition.brokers.keys(), (name) => [name, new MemoryBroker({ name, clock: this.clock })]),
    );
    this.#instance = new Instance(definition, {
      brokers,
      sourceOf: (plan) => memorySourceOf(plan, definition.subscriptions.indexOf(plan), brokers),
      clock: this.clock,
      // Without jitter, so that a test knows when a retry is due.
      pipeline: { clock: this.clock, random: () => 0 },
      state: "state" in options ? { value: options.state } : undefined,
      observer: this.#record,
    });
  }

  async start(): Promise<void> {
    this.#record.listen();
    this.#app.underTest(this.#instance);
    try {
      await this.#instance.start();
      if (this.#made === undefined) this.#made = this.#instance.appState;
      await this.quiet();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  get state(): unknown {
    return this.#made;
  }

  get publish(): (...given: unknown[]) => Promise<void> {
    return async (...given) => {
      await (this.#outside().publish as (...given: unknown[]) => Promise<void>)(...given);
      await this.quiet();
    };
  }

  get request(): (...given: unknown[]) => Promise<unknown> {
    return async (...given) => {
      let over = false;
      const ask = this.#outside().request as (...given: unknown[]) => Promise<unknown>;
      const reply = ask(...given).finally(() => {
        over = true;
      });
      reply.catch(() => undefined);
      await this.quiet();
      // Who waits for a reply lets time pass: to a retry of the responder, or to the timeout.
      while (!over && (await this.clock.advanceToNext())) await this.quiet();
      return reply;
    };
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await this.quiet();
  }

  published(channel: Channel): unknown[] {
    return this.#record.publishedOn(channel).map(({ value }) => value);
  }

  publishedMessages(channel: Channel): PublishedMessage<unknown>[] {
    return this.#record.publishedOn(channel);
  }

  received(channel: Channel): unknown[] {
    return this.#record.received(channel);
  }

  expectPublished(channel: Channel, expected: readonly unknown[]): void {
    const actual = this.published(channel);
    if (isDeepStrictEqual(actual, [...expected])) return;
    const message = [
      `Expected the app to publish to "${channel.topic}": ${inspect(expected, { depth: 5 })}`,
      `It published: ${inspect(actual, { depth: 5 })}`,
      `What happened:\n${this.story()}`,
    ].join("\n");
    throw new AssertionError({ message, actual, expected, operator: "expectPublished" });
  }

  settled(channel: Channel): SettledDelivery<unknown>[] {
    return this.#record.settled(channel);
  }

  retried(channel: Channel): RetriedDelivery<unknown>[] {
    return this.#record.retried(channel);
  }

  deadLettered(channel: Channel): DeadLetter<unknown>[] {
    return this.#record.deadLettered(channel);
  }

  story(): string {
    return this.#record.story();
  }

  async close(): Promise<void> {
    try {
      await this.#end();
    } finally {
      this.#leave();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What waits for a retry waits for a clock that nobody moves any more: only what runs is waited for. */
  async #end(): Promise<void> {
    const busy = this.#instance.runs.some(({ stats }) => stats.inFlight > 0);
    const ended = busy ? this.#instance.stop({ deadlineMs: 0 }) : this.#instance.drain();
    ended.catch(() => undefined);
    if (busy) await this.clock.advance(0);
    await ended;
  }

  #leave(): void {
    this.#record.close();
    this.#app.underTest(undefined);
  }

  quiet(): Promise<void> {
    return quiescence(this.#instance, this.#record, this.#patienceMs);
  }

  #outside(): ReturnType<Instance["outbound"]["of"]> {
    return this.#instance.outbound.of({ broker: undefined, prefix: "", layers: [], from: "test" });
  }
}

/** Every subscription gets its messages; those of one group share them, and so do consumers of a broker without groups. */
function memorySourceOf(
  plan: SubscriptionPlan,
  index: number,
  brokers: ReadonlyMap<string, MemoryBroker>,
): SubscriptionSource {
  const group = plan.group ?? `subscription-${index}`;
  return usualSource(brokers.get(plan.broker) as MemoryBroker, plan.template, group);
}
