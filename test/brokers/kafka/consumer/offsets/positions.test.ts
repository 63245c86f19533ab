import { describe, expect, it } from "vitest";
import { kafkaSource } from "../../../../../src/brokers/kafka/source.ts";
import { Bench, heard, taken, texts } from "../../fake/bench.ts";

describe("a group that has committed nothing", () => {
  it("begins with what the log still has, by default", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["deleted", "old"]);
    bench.cluster.log("orders").deleteBefore(1);
    const connection = await bench.connect();
    const source = kafkaSource("orders", { group: "g" });
    expect(source.capabilities.backlog).toBe(true);
    const subscriber = await bench.settled(connection.subscribe(source));
    bench.cluster.publish("orders", ["new"]);
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["old", "new"]);
  });

  it("begins after what is there when it opens, where that is asked for", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["old"]);
    const connection = await bench.connect();
    const source = kafkaSource("orders", { group: "g", from: "new" });
    expect(source.capabilities.backlog).toBe(false);
    const opening = connection.subscribe(source);
    const subscriber = await bench.settled(opening);
    bench.cluster.publish("orders", ["new"]);
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["new"]);
  });

  it("misses nothing that is published while it opens", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["old"]);
    const connection = await bench.connect();
    const other = bench.cluster.group("g");
    const opening = connection.subscribe("orders", { group: "g", from: "new" });
    // Another member that does not answer yet keeps the group from completing the join.
    other.members.set("slow", { id: "slow", generation: 0, assigned: {} });
    await bench.flush();
    bench.cluster.publish("orders", ["while it joins"]);
    other.expel("slow");
    const subscriber = await bench.settled(opening);
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["while it joins"]);
  });

  it("remembers where it began although nothing came", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["old"]);
    const first = await bench.subscribe("orders", { group: "g", from: "new" });
    await bench.settled(first.close());
    bench.cluster.publish("orders", ["between"]);
    const second = await bench.subscribe("orders", { group: "g", from: "new" });
    expect(texts(await taken(bench, second[Symbol.asyncIterator]()))).toEqual(["between"]);
  });

  it("has it remembered before it counts as open, so that a crash right after loses nothing", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["old"]);
    const group = bench.cluster.group("g");
    group.refusal = Object.assign(new Error("not now"), { type: "REQUEST_TIMED_OUT", retriable: true });
    const connection = await bench.connect();
    let open = false;
    const opening = connection.subscribe("orders", { group: "g", from: "new" }).then(() => {
      open = true;
    });
    await bench.flush();
    expect(open).toBe(false);
    group.refusal = undefined;
    await bench.clock.advance(5_000);
    await opening;
    expect(bench.committed()).toBe(1);
  });

  it("begins at the oldest record, or at a time, where that is asked for", async () => {
    const bench = new Bench();
    for (const timestamp of [1_000, 2_000, 3_000]) {
      bench.cluster.log("orders").append({ value: String(timestamp), timestamp });
    }
    const start = await bench.subscribe("orders", { group: "start", from: "start" });
    const time = await bench.subscribe("orders", { group: "time", from: { timeMs: 1_500 } });
    expect(texts(await taken(bench, start[Symbol.asyncIterator]()))).toEqual(["1000", "2000", "3000"]);
    expect(texts(await taken(bench, time[Symbol.asyncIterator]()))).toEqual(["2000", "3000"]);
  });
});

describe("a subscription without a group", () => {
  it("begins after what is there when it opens, by default", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["old"]);
    const connection = await bench.connect();
    const source = kafkaSource("orders");
    expect(source.capabilities.backlog).toBe(false);
    const subscriber = await bench.settled(connection.subscribe(source));
    bench.cluster.publish("orders", ["new"]);
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["new"]);
  });
});

describe("a group that has committed", () => {
  it("goes on there, whatever is asked for", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["a", "b", "c"]);
    bench.cluster.group("g").committed.set("orders/0", 1);
    const subscriber = await bench.subscribe("orders", { group: "g", from: "new" });
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["b", "c"]);
  });

  it("reads a partition that was added meanwhile from its beginning", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 2);
    bench.cluster.group("g").committed.set("wide/0", 0);
    bench.cluster.publish("wide", ["in the added one"], 1);
    const subscriber = await bench.subscribe("wide", { group: "g", from: "new" });
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["in the added one"]);
  });

  it("goes on where the log begins when its place was deleted, and says so", async () => {
    const errors = heard("tidelane:error");
    const bench = new Bench();
    bench.cluster.publish("orders", ["a", "b", "c"]);
    bench.cluster.group("g").committed.set("orders/0", 0);
    bench.cluster.log("orders").deleteBefore(2);
    const subscriber = await bench.subscribe();
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["c"]);
    expect(String(errors[0]?.error)).toContain(
      '"orders" cannot seek to offset 0 of partition 0, where it was to go on: available is 2 to 3; it goes on at 2.',
    );
  });
});

describe("a pattern", () => {
  it("stands for the topics there are, and for those that come", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("orders.eu");
    bench.cluster.createTopic("refunds");
    bench.cluster.publish("orders.eu", ["old"]);
    const connection = await bench.connect();
    const options = { group: "g", from: "new", patternRefreshMs: 1_000 } as const;
    const subscriber = await bench.settled(connection.subscribePattern(/^orders\./g, options));
    expect(subscriber.topic).toBe("/^orders\\./");
    bench.cluster.publish("orders.eu", ["a"]);
    const iterator = subscriber[Symbol.asyncIterator]();
    const [a] = await taken(bench, iterator);
    expect(a?.text()).toBe("a");
    await a?.ack();
    bench.cluster.createTopic("orders.us");
    bench.cluster.publish("orders.us", ["b"]);
    await bench.clock.advance(1_000);
    const [b] = await taken(bench, iterator);
    expect([b?.topic, b?.text()]).toEqual(["orders.us", "b"]);
  });

  it("finds a new topic within ten seconds, unless told otherwise", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const subscriber = await bench.settled(connection.subscribePattern(/^later$/, { group: "g" }));
    bench.cluster.createTopic("later");
    bench.cluster.publish("later", ["a"]);
    await bench.clock.advance(10_000);
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["a"]);
  });

  it("may match nothing yet", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const opening = connection.subscribePattern(/^later$/, { group: "g", patternRefreshMs: 1_000 });
    const subscriber = await bench.settled(opening);
    bench.cluster.createTopic("later");
    bench.cluster.publish("later", ["a"]);
    await bench.clock.advance(1_000);
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["a"]);
  });
});

describe("partitions by hand", () => {
  it("are those that were asked for, also without a group", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 3);
    for (const partition of [0, 1, 2]) bench.cluster.publish("wide", [String(partition)], partition);
    const subscriber = await bench.subscribe("wide", { partitions: [2], from: "start" });
    expect(subscriber.assignment).toEqual([{ topic: "wide", partition: 2 }]);
    expect(texts(await taken(bench, subscriber[Symbol.asyncIterator]()))).toEqual(["2"]);
  });

  it("can be had by two members of a group", async () => {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 2);
    const options = { group: "g", from: "start", partitions: [1] } as const;
    const first = await bench.subscribe("wide", options);
    const second = await bench.subscribe("wide", options);
    await bench.flush();
    expect(first.assignment).toEqual(second.assignment);
    expect(first.assignment).toEqual([{ topic: "wide", partition: 1 }]);
  });
});
