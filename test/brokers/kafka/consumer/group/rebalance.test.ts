import { describe, expect, it } from "vitest";
import type { KafkaSubscriber } from "../../../../../src/brokers/kafka/consumer/subscriber.ts";
import type { KafkaMessage } from "../../../../../src/brokers/kafka/message/message.ts";
import { DeliveryRevokedError } from "../../../../../src/traits/errors.ts";
import type { SubscriberIterator } from "../../../../../src/traits/subscriber.ts";
import { Bench, taken, texts } from "../../fake/bench.ts";

const options = {
  group: "g",
  from: "start",
  rebalanceTimeoutMs: 10_000,
  drainMs: 4_000,
  heartbeatIntervalMs: 1_000,
} as const;

interface Opened {
  readonly bench: Bench;
  readonly subscriber: KafkaSubscriber;
  readonly iterator: SubscriberIterator<KafkaMessage>;
  readonly messages: KafkaMessage[];
}

/** Two partitions with two records each, all of them out with the one member there is. */
async function opened(): Promise<Opened> {
  const bench = new Bench();
  bench.cluster.createTopic("wide", 2);
  bench.cluster.publish("wide", ["a0", "a1"], 0);
  bench.cluster.publish("wide", ["b0", "b1"], 1);
  const subscriber = await bench.subscribe("wide", options);
  const iterator = subscriber[Symbol.asyncIterator]();
  return { bench, subscriber, iterator, messages: await taken(bench, iterator) };
}

function of(messages: readonly KafkaMessage[], value: string): KafkaMessage {
  const message = messages.find((one) => one.text() === value);
  if (message === undefined) throw new Error(`no ${value}`);
  return message;
}

/** Partitions of the subscriber. */
function has(subscriber: KafkaSubscriber): number[] {
  return subscriber.assignment.map(({ partition }) => partition);
}

describe("when a member joins", () => {
  it("what is out is waited for, and committed before the partitions move", async () => {
    const { bench, messages } = await opened();
    const opening = bench.subscribe("wide", options);
    await bench.clock.advance(1_000);
    expect(bench.cluster.group("g").members.size).toBe(2);
    expect(bench.cluster.group("g").generation).toBe(1);
    for (const message of messages) await message.ack();
    const second = await bench.settled(opening);
    expect(bench.cluster.group("g").generation).toBe(2);
    expect(bench.committed("wide/0")).toBe(2);
    expect(bench.committed("wide/1")).toBe(2);
    expect(await taken(bench, second[Symbol.asyncIterator]())).toEqual([]);
  });

  it("its leader keeps what stays, though others joined before the group took its assignment", async () => {
    const { bench, subscriber, messages } = await opened();
    const group = bench.cluster.group("g");
    group.interruptions = 2;
    group.rebalance();
    await bench.clock.advance(5_000);
    expect(group.generation).toBe(4);
    expect(has(subscriber)).toEqual([0, 1]);
    expect(messages.map(({ revoked }) => revoked)).toEqual([undefined, undefined, undefined, undefined]);
    for (const message of messages) await message.ack();
    await bench.clock.advance(1_000);
    expect(bench.committed("wide/0")).toBe(2);
  });

  it("its leader counts all as revoked where the coordinator failed over: others may have got the assignment", async () => {
    const { bench, messages } = await opened();
    const group = bench.cluster.group("g");
    group.interruptions = 1;
    group.interruption = "NOT_COORDINATOR_FOR_GROUP";
    group.rebalance();
    await bench.clock.advance(5_000);
    expect(messages.map(({ revoked }) => revoked === undefined)).toEqual([false, false, false, false]);
  });

  it("nothing new goes out meanwhile", async () => {
    const { bench, iterator } = await opened();
    void bench.subscribe("wide", options);
    bench.cluster.publish("wide", ["a2"], 0);
    expect(await taken(bench, iterator)).toEqual([]);
    await bench.clock.advance(4_000);
    expect((await taken(bench, iterator)).length).toBeLessThan(2);
  });

  it("after the limit what stays is still held, and what moves is revoked and comes to the other", async () => {
    const { bench, subscriber, messages } = await opened();
    const opening = bench.subscribe("wide", options);
    await bench.clock.advance(4_000);
    const second = await bench.settled(opening);
    expect([...has(subscriber), ...has(second)].sort()).toEqual([0, 1]);
    const [kept, moved] = has(subscriber)[0] === 0 ? ["a", "b"] : ["b", "a"];
    await of(messages, `${kept}1`).ack();
    await of(messages, `${kept}0`).ack();
    await expect(of(messages, `${moved}0`).ack()).rejects.toThrow(DeliveryRevokedError);
    expect(of(messages, `${moved}1`).revoked?.reason).toBe("the group moved its partition");
    expect(texts(await taken(bench, second[Symbol.asyncIterator]()))).toEqual([`${moved}0`, `${moved}1`]);
    await bench.clock.advance(100);
    expect(bench.committed(`wide/${has(subscriber)[0]}`)).toBe(2);
  });

  it("a settle that falls between waits until it is known whether the partition stays", async () => {
    const { bench, subscriber, messages } = await opened();
    const group = bench.cluster.group("g");
    group.members.set("slow", { id: "slow", generation: 0, assigned: {} });
    const opening = bench.subscribe("wide", options);
    await bench.clock.advance(4_000);
    const answers = messages.map((message) =>
      message.ack().then(
        () => "ok",
        (error: Error) => error.name,
      ),
    );
    let answered = false;
    void Promise.all(answers).then(() => {
      answered = true;
    });
    await bench.flush();
    expect(answered).toBe(false);
    group.expel("slow");
    await bench.settled(opening);
    const kept = has(subscriber)[0];
    expect(await Promise.all(answers)).toEqual(
      messages.map(({ partition }) => (partition === kept ? "ok" : "DeliveryRevokedError")),
    );
    await bench.clock.advance(100);
    expect(bench.committed(`wide/${kept}`)).toBe(2);
    expect(bench.committed(`wide/${1 - (kept ?? 0)}`)).toBe(0);
  });

  it.each([
    ["given back", (message: KafkaMessage) => message.nack()],
    ["given back for a moment that passes meanwhile", (message: KafkaMessage) => message.nackAfter(100)],
  ])("what is %s between stands before what was fetched and is later", async (_how, giveBack) => {
    const { bench, subscriber, iterator, messages } = await opened();
    const group = bench.cluster.group("g");
    bench.cluster.publish("wide", ["a2"], 0);
    bench.cluster.publish("wide", ["b2"], 1);
    await bench.flush();
    group.members.set("slow", { id: "slow", generation: 0, assigned: {} });
    const opening = bench.subscribe("wide", options);
    await bench.clock.advance(4_000);
    const waiting = iterator.next();
    const answers = messages.map((message) => giveBack(message).catch(() => undefined));
    await bench.clock.advance(200);
    group.expel("slow");
    const second = await bench.settled(opening);
    await Promise.all(answers);
    const kept = has(subscriber)[0] === 0 ? "a" : "b";
    const first = await bench.settled(waiting);
    expect(first.value?.text()).toBe(`${kept}0`);
    expect(texts(await taken(bench, iterator))).toEqual([`${kept}1`, `${kept}2`]);
    await bench.settled(second.close());
  });

  it("keeps delays and requeued records of a partition that stays", async () => {
    const { bench, subscriber, iterator, messages } = await opened();
    for (const message of messages) await message.nackAfter(6_000);
    const opening = bench.subscribe("wide", options);
    const second = await bench.settled(opening);
    const kept = has(subscriber)[0] === 0 ? "a" : "b";
    expect(await taken(bench, iterator)).toEqual([]);
    await bench.clock.advance(6_000);
    const again = await taken(bench, iterator);
    expect(again.map((message) => [message.text(), message.deliveryCount])).toEqual([
      [`${kept}0`, 2],
      [`${kept}1`, 2],
    ]);
    await bench.settled(second.close());
  });

  it("goes on fetching where it was, in a partition that stays", async () => {
    const { bench, subscriber, iterator, messages } = await opened();
    const opening = bench.subscribe("wide", options);
    await bench.clock.advance(4_000);
    await bench.settled(opening);
    const kept = has(subscriber)[0] ?? 0;
    bench.cluster.publish("wide", ["next"], kept);
    expect(texts(await taken(bench, iterator))).toEqual(["next"]);
    expect(messages.filter(({ revoked }) => revoked === undefined)).toHaveLength(2);
  });
});

describe("when a member leaves", () => {
  it("its partitions come to the others, who keep what they have", async () => {
    const { bench, subscriber, iterator, messages } = await opened();
    for (const message of messages) await message.ack();
    const second = await bench.settled(bench.subscribe("wide", options));
    const kept = has(subscriber)[0] ?? 0;
    bench.cluster.publish("wide", ["kept"], kept);
    bench.cluster.publish("wide", ["other"], 1 - kept);
    const [held] = await taken(bench, iterator);
    const [theirs] = await taken(bench, second[Symbol.asyncIterator]());
    expect([held?.text(), theirs?.text()]).toEqual(["kept", "other"]);
    await bench.settled(second.close());
    await bench.clock.advance(4_000);
    expect(has(subscriber)).toEqual([0, 1]);
    expect(texts(await taken(bench, iterator))).toEqual(["other"]);
    await held?.ack();
  });
});

describe("what is revoked", () => {
  it("is everything, when the group went on without this member", async () => {
    const { bench, messages } = await opened();
    const group = bench.cluster.group("g");
    group.expel(bench.kafka.consumer.memberId);
    await bench.flush();
    expect(messages.every(({ revoked }) => revoked !== undefined)).toBe(true);
    await expect(messages[0]?.ack()).rejects.toThrow(DeliveryRevokedError);
  });

  it("is everything, when a generation was missed", async () => {
    const { bench, messages, iterator } = await opened();
    const group = bench.cluster.group("g");
    group.generation += 1;
    bench.cluster.wake();
    await bench.clock.advance(4_000);
    expect(messages.every(({ revoked }) => revoked !== undefined)).toBe(true);
    expect((await taken(bench, iterator)).map(({ deliveryCount }) => deliveryCount)).toEqual([2, 2, 2, 2]);
  });

  it("was delivered before, and its count says so", async () => {
    const { bench, iterator, messages } = await opened();
    await of(messages, "a0").ack();
    await bench.clock.advance(100);
    bench.cluster.group("g").expel(bench.kafka.consumer.memberId);
    const again = await taken(bench, iterator);
    expect(again.map((message) => [message.text(), message.deliveryCount]).sort()).toEqual([
      ["a1", 2],
      ["b0", 2],
      ["b1", 2],
    ]);
  });
});

it("an ack after the limit of a drain never moves the offset of another member", async () => {
  const { bench, subscriber, messages } = await opened();
  const second = bench.subscribe("wide", options);
  await bench.clock.advance(4_000);
  await bench.settled(second);
  const moved = 1 - (has(subscriber)[0] ?? 0);
  for (const message of messages) await message.ack().catch(() => undefined);
  await bench.clock.advance(1_000);
  expect(bench.committed(`wide/${moved}`)).toBe(0);
});

describe("what was done above an unsettled record", () => {
  it("stays done for the one after the next, who had not come to it yet", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 1);
    bench.cluster.publish("wide", ["a", "b", "c", "d"], 0);
    const first = await bench.subscribe("wide", options);
    const held = await taken(bench, first[Symbol.asyncIterator]());
    await of(held, "b").ack();
    await of(held, "d").ack();
    await bench.settled(first.close());
    const second = await bench.subscribe("wide", options);
    const next = second[Symbol.asyncIterator]().next();
    await bench.settled(next);
    const { value } = await next;
    expect(value?.text()).toBe("a");
    await value?.ack();
    await bench.settled(second.close());
    const third = await bench.subscribe("wide", options);
    expect(texts(await taken(bench, third[Symbol.asyncIterator]()))).toEqual(["c"]);
  });
});
