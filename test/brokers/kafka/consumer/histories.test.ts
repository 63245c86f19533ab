import fc from "fast-check";
import { expect, it } from "vitest";
import type { KafkaSubscriber } from "../../../../src/brokers/kafka/consumer/subscriber.ts";
import type { KafkaMessage } from "../../../../src/brokers/kafka/message/message.ts";
import type { SubscriberIterator } from "../../../../src/traits/subscriber.ts";
import { Bench, heard } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

const partitions = 3;
const options = {
  group: "g",
  from: "start",
  maxInFlight: 6,
  maxUncommitted: 12,
  commitIntervalMs: 50,
  rebalanceTimeoutMs: 4_000,
  drainMs: 300,
  heartbeatIntervalMs: 100,
  prefetch: { records: 4 },
} as const;

type Step =
  | { readonly publish: number; readonly hidden: boolean }
  | { readonly take: number; readonly max: number }
  | { readonly settle: number; readonly how: "ack" | "drop" | "requeue" | "delay" }
  | { readonly wait: number }
  | { readonly open: true }
  | { readonly close: number }
  | { readonly crash: number }
  | { readonly expel: number }
  | { readonly refuse: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ publish: fc.nat(partitions - 1), hidden: fc.nat(5).map((n) => n === 0) }),
  },
  { weight: 6, arbitrary: fc.record({ take: fc.nat(3), max: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      settle: fc.nat(),
      how: fc.constantFrom<"ack" | "drop" | "requeue" | "delay">(
        "ack",
        "ack",
        "ack",
        "drop",
        "requeue",
        "delay",
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 200 }) }) },
  { weight: 1, arbitrary: fc.record({ open: fc.constant<true>(true) }) },
  { weight: 1, arbitrary: fc.record({ close: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ crash: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ expel: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ refuse: fc.boolean() }) },
);

interface Member {
  readonly subscriber: KafkaSubscriber;
  readonly iterator: SubscriberIterator<KafkaMessage>;
}

/** A group with members that come, go and crash, over logs with holes. */
class Group {
  readonly bench: Bench = new Bench();
  readonly members: Member[] = [];
  readonly held: KafkaMessage[] = [];
  /** Whatever was published, by its value. */
  readonly published: string[] = [];
  readonly done = new Set<string>();
  /** First deliveries, by partition. */
  readonly first: number[][] = Array.from({ length: partitions }, () => []);
  readonly #seen = new Set<string>();
  #expelled = false;
  readonly #calls: Promise<unknown>[] = [];

  constructor() {
    this.bench.cluster.createTopic("wide", partitions);
    this.bench.cluster.batchSize = 3;
  }

  async open(): Promise<void> {
    const connection = await this.bench.broker().connect();
    const opening = connection.subscribe("wide", options).then((subscriber) => {
      this.members.push({ subscriber, iterator: subscriber[Symbol.asyncIterator]() });
    });
    this.#calls.push(opening);
  }

  take({ iterator }: Member, max: number): KafkaMessage[] {
    const messages = iterator.takeReady?.(max) ?? [];
    for (const message of messages) {
      const value = message.text();
      if (!this.#seen.has(value)) {
        this.#seen.add(value);
        this.first[message.partition]?.push(message.offset);
      }
      this.held.push(message);
    }
    return messages;
  }

  async settle(message: KafkaMessage, how: "ack" | "drop" | "requeue" | "delay"): Promise<void> {
    const settle = {
      ack: () => message.ack(),
      drop: () => message.nack({ requeue: false }),
      requeue: () => message.nack(),
      delay: () => message.nackAfter(100),
    }[how];
    const isRevoked = message.revoked !== undefined;
    const settling = settle().then(
      () => {
        expect(isRevoked).toBe(false);
        if (how === "ack" || how === "drop") this.done.add(message.text());
      },
      (error: Error) => expect(error.name).toBe("DeliveryRevokedError"),
    );
    this.#calls.push(settling);
    await this.bench.flush();
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.open();
    await this.bench.flush();
    for (const one of steps) {
      await this.act(one);
      await this.bench.flush();
      this.check();
    }
  }

  async act(one: Step): Promise<void> {
    const { bench, members } = this;
    const pick = <T>(list: readonly T[], index: number): T | undefined =>
      list[index % Math.max(1, list.length)];
    if ("publish" in one) this.publish(one.publish, one.hidden);
    else if ("take" in one) {
      const member = pick(members, one.take);
      if (member) this.take(member, one.max);
    } else if ("settle" in one) {
      const [message] = this.held.splice(one.settle % Math.max(1, this.held.length), 1);
      if (message) await this.settle(message, one.how);
    } else if ("wait" in one) await bench.clock.advance(one.wait);
    else if ("open" in one) {
      if (members.length < 3) await this.open();
    } else if ("close" in one) {
      const member = members.length > 1 ? pick(members, one.close) : undefined;
      if (member) members.splice(members.indexOf(member), 1);
      this.#calls.push(member?.subscriber.close() ?? Promise.resolve());
    } else if ("crash" in one) {
      const consumer = pick(
        bench.kafka.consumers.filter(({ connected }) => connected),
        one.crash,
      );
      consumer?.crash(new FakeKafkaError("gone", { name: "KafkaJSConnectionError", retriable: true }));
    } else if ("expel" in one) {
      const id = pick([...bench.cluster.group("g").members.keys()], one.expel);
      if (id !== undefined) bench.cluster.group("g").expel(id);
      this.#expelled = true;
    } else bench.cluster.group("g").refusal = one.refuse ? new Error("not now") : undefined;
  }

  publish(partition: number, hidden: boolean): void {
    const value = `${partition}-${this.published.length}`;
    const log = this.bench.cluster.log("wide", partition);
    if (hidden) log.leaveHole(2);
    log.append({ value, hidden });
    if (!hidden) this.published.push(value);
    this.bench.cluster.wake();
  }

  /** What the group has committed lies never above a record that is not done. */
  check(): void {
    const { committed } = this.bench.cluster.group("g");
    for (let partition = 0; partition < partitions; partition += 1) {
      const offset = committed.get(`wide/${partition}`) ?? 0;
      const log = this.bench.cluster.log("wide", partition);
      const below = log.read(0, 10_000)?.messages.filter((record) => Number(record.offset) < offset) ?? [];
      for (const { value } of below) expect(this.done).toContain(value?.toString());
    }
    const out = this.held.filter(({ revoked }) => revoked === undefined).map((message) => message.text());
    // One that was expelled and has not heard of it holds what others were given.
    if (!this.#expelled) expect(new Set(out).size).toBe(out.length);
  }

  /** Everything that is owed comes, and is committed in the end. */
  async conclude(): Promise<void> {
    const { bench, members } = this;
    bench.cluster.group("g").refusal = undefined;
    await bench.clock.advance(20_000);
    await Promise.all(this.#calls);
    for (let round = 0; round < 60; round += 1) {
      for (const message of this.held.splice(0)) await this.settle(message, "ack");
      for (const member of members) this.take(member, 100);
      await bench.clock.advance(300);
    }
    expect([...this.done].sort()).toEqual([...this.published].sort());
    for (let partition = 0; partition < partitions; partition += 1) {
      const { messages = [] } = bench.cluster.log("wide", partition).read(0, 10_000) ?? {};
      // What nobody sees after the last record may be passed later, with the next one.
      const end = Number(messages.at(-1)?.offset ?? -1) + 1;
      expect(bench.committed(`wide/${partition}`) ?? 0).toBeGreaterThanOrEqual(end);
      expect(this.first[partition]).toEqual([...(this.first[partition] ?? [])].sort((a, b) => a - b));
    }
    for (const { subscriber } of members) await bench.settled(subscriber.close());
  }
}

it("no history of members that come, go and crash loses a record, or commits one that is not done", async () => {
  // Whoever listens is told on the channel, and no warning is printed.
  heard("tidelane:reconnect");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60, size: "max" }), async (steps) => {
      const group = new Group();
      await group.run(steps);
      await group.conclude();
    }),
    { numRuns: 400 },
  );
}, 30_000);
