import { describe, expect, it } from "vitest";
import { tombstone } from "../../../../src/brokers/kafka/message/tombstone.ts";
import type { KafkaPublisherOptions } from "../../../../src/brokers/kafka/options/publisher.ts";
import { partitionOf } from "../../../../src/brokers/kafka/publisher/murmur2.ts";
import { isTidelaneError } from "../../../../src/traits/errors.ts";
import { Bench, heard, taken } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

const refused = new FakeKafkaError("connect ECONNREFUSED", {
  name: "KafkaJSConnectionError",
  retriable: true,
});

async function opened(options?: KafkaPublisherOptions) {
  const bench = new Bench();
  bench.cluster.createTopic("wide", 8);
  const connection = await bench.connect();
  return { bench, connection, publisher: connection.publisher(options) };
}

/** What a publish to a topic that does not exist rejects with. */
const missing = {
  code: "TIDELANE_PUBLISH_FAILED",
  retryable: false,
  message:
    'The message for "nowhere" was not confirmed: the topic "nowhere" does not exist on the server; create it, or set create: true.',
};

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("publish()", () => {
  it("sends what comes in one turn as one batch, and what comes meanwhile as the next", async () => {
    const { bench, publisher } = await opened();
    await bench.settled(publisher.publish({ topic: "orders", payload: "0" }));
    let open: () => void = () => undefined;
    bench.kafka.producer.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const first = ["1", "2"].map((payload) => publisher.publish({ topic: "orders", payload }));
    await bench.flush();
    const second = ["3", "4"].map((payload) => publisher.publish({ topic: "orders", payload }));
    await bench.flush();
    expect(bench.kafka.producer.requests.map(({ messages }) => messages.length)).toEqual([1, 2]);
    open();
    await bench.settled(Promise.all([...first, ...second]));
    expect(bench.kafka.producer.requests.map(({ messages }) => messages.length)).toEqual([1, 2, 2]);
    expect(bench.cluster.log("orders").values()).toEqual(["0", "1", "2", "3", "4"]);
  });

  it("keeps a key in one partition, the one Kafka's own clients choose", async () => {
    const { bench, publisher } = await opened();
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
    await bench.settled(
      Promise.all(keys.map((key) => publisher.publish({ topic: "wide", payload: key, key }))),
    );
    for (const key of keys) {
      expect(bench.cluster.log("wide", partitionOf(Buffer.from(key), 8)).values()).toContain(key);
    }
  });

  it("spreads what has no key, and puts what names a partition there", async () => {
    const { bench, publisher } = await opened();
    for (let index = 0; index < 8; index += 1) {
      await bench.settled(publisher.publish({ topic: "wide", payload: "x" }));
    }
    for (let partition = 0; partition < 8; partition += 1) {
      expect(bench.cluster.log("wide", partition).values()).toHaveLength(1);
    }
    await bench.settled(publisher.publish({ topic: "wide", payload: "here", partition: 3 }));
    expect(bench.cluster.log("wide", 3).values()).toContain("here");
  });

  it("carries keys, headers, times and tombstones to a subscriber exactly", async () => {
    const { bench, publisher } = await opened();
    const subscriber = await bench.subscribe();
    const headers = [
      ["a", "1"],
      ["B", new Uint8Array([255, 0])],
      ["A", "2"],
      ["__proto__", "x"],
      ["constructor", ""],
      ["bytes", Buffer.from("two\r\nlines")],
    ] as const;
    await bench.settled(
      Promise.all([
        publisher.publish({ topic: "orders", payload: "", key: "k", headers, timestampMs: 5 }),
        publisher.publish({ topic: "orders", payload: tombstone, key: "" }),
        publisher.publish({ topic: "orders", payload: new Uint8Array([0, 255]) }),
      ]),
    );
    const [empty, dead, bytes] = await taken(bench, subscriber[Symbol.asyncIterator]());
    expect([...(empty?.headers ?? [])]).toEqual([
      ["a", "1"],
      ["a", "2"],
      ["B", new Uint8Array([255, 0])],
      ["__proto__", "x"],
      ["constructor", ""],
      ["bytes", new Uint8Array(Buffer.from("two\r\nlines"))],
    ]);
    expect([empty?.partitionKey, empty?.payload, empty?.tombstone, empty?.timestampMs]).toEqual([
      "k",
      new Uint8Array(),
      false,
      5,
    ]);
    expect([dead?.partitionKey, dead?.payload === tombstone, dead?.tombstone, dead?.text()]).toEqual([
      "",
      true,
      true,
      "",
    ]);
    expect([bytes?.partitionKey, bytes?.keyBytes, bytes?.payload]).toEqual([
      undefined,
      null,
      new Uint8Array([0, 255]),
    ]);
    expect(Buffer.isBuffer(bytes?.payload)).toBe(false);
  });

  it("splits what is more than a batch holds", async () => {
    const { bench, publisher } = await opened({ maxBatchBytes: 1_000 });
    const payload = "x".repeat(400);
    await bench.settled(
      Promise.all(Array.from({ length: 5 }, () => publisher.publish({ topic: "orders", payload }))),
    );
    expect(bench.kafka.producer.requests.map(({ messages }) => messages.length)).toEqual([2, 2, 1]);
  });

  it("is idempotent, for all replicas, by default", async () => {
    const { bench, publisher } = await opened();
    await bench.settled(publisher.publish({ topic: "orders", payload: "x" }));
    expect(bench.kafka.producer.config.idempotent).toBe(true);
    expect(bench.kafka.producer.requests[0]).toMatchObject({ acks: -1, compression: 0 });
  });

  it("does as it is told about acks and compression", async () => {
    const { bench, publisher } = await opened({ acks: "none", compression: "gzip" });
    expect(publisher.capabilities.confirmation).toBe("none");
    await bench.settled(publisher.publish({ topic: "orders", payload: "x" }));
    expect(bench.kafka.producer.config.idempotent).toBe(false);
    expect(bench.kafka.producer.requests[0]).toMatchObject({ acks: 0, compression: 1 });
  });
});

describe("what cannot be published", () => {
  it.each([
    [{ topic: "no/slash", payload: "" }, "a topic of Kafka has 1 to 249 letters"],
    [{ topic: "wide", payload: "", partition: 8 }, "partition 8 was asked for, and the topic has 0 to 7"],
    [{ topic: "wide", payload: "", partition: -1 }, "its partition is not a whole number of at least 0"],
    [{ topic: "wide", payload: "", timestampMs: 0.5 }, "its timestampMs is not a whole number"],
    [{ topic: "wide", payload: "x".repeat(1_000_001) }, "the limit here is 1000000"],
  ])("is refused before anything is sent: %o", async (message, reason) => {
    const { bench, publisher } = await opened();
    const error = await bench.settled(failure(publisher.publish(message)));
    expect(isTidelaneError(error, "TIDELANE_INVALID_MESSAGE")).toBe(true);
    expect(String(error)).toContain(reason);
    expect(bench.kafka.producers).toHaveLength(0);
  });

  it("takes nothing else with it", async () => {
    const { bench, publisher } = await opened();
    const [bad, good] = [
      publisher.publish({ topic: "nowhere", payload: "x" }),
      publisher.publish({ topic: "orders", payload: "y" }),
    ];
    expect(await bench.settled(failure(bad))).toMatchObject(missing);
    await good;
  });

  it("is refused with the topic that is missing, and checkTopic() says the same", async () => {
    const { bench, publisher } = await opened();
    const publishing = failure(publisher.publish({ topic: "nowhere", payload: "x" }));
    expect(await bench.settled(publishing)).toMatchObject(missing);
    expect(await bench.settled(failure(publisher.checkTopic("nowhere")))).toMatchObject(missing);
    await bench.settled(publisher.checkTopic("orders"));
    expect(await bench.settled(failure(publisher.checkTopic("no/slash")))).toMatchObject({
      code: "TIDELANE_INVALID_MESSAGE",
    });
    expect(bench.cluster.creations).toEqual([]);
    expect(bench.kafka.producers).toHaveLength(0);
  });

  it("is created where the broker is told to", async () => {
    const bench = new Bench({ create: true });
    const connection = await bench.connect();
    await bench.settled(connection.publisher().publish({ topic: "nowhere", payload: "x" }));
    expect(bench.cluster.log("nowhere").values()).toEqual(["x"]);
  });

  it("a server that says it is too large refuses it too", async () => {
    const { bench, publisher } = await opened();
    await bench.settled(publisher.publish({ topic: "orders", payload: "x" }));
    bench.kafka.producer.failures.push(new FakeKafkaError("MESSAGE_TOO_LARGE"));
    const error = await bench.settled(failure(publisher.publish({ topic: "orders", payload: "y" })));
    expect(String(error)).toContain("it is larger than the server's message.max.bytes");
  });
});

describe("a send that fails", () => {
  it("rejects its batch alone, says whether to try again, and its producer is not used any more", async () => {
    const { bench, publisher } = await opened();
    await bench.settled(publisher.publish({ topic: "orders", payload: "a" }));
    const [first] = bench.kafka.producers;
    first?.failures.push(refused);
    const error = await bench.settled(failure(publisher.publish({ topic: "orders", payload: "b" })));
    expect(isTidelaneError(error, "TIDELANE_PUBLISH_FAILED")).toBe(true);
    expect((error as { retryable: boolean }).retryable).toBe(true);
    expect(first?.connected).toBe(false);
    await bench.settled(publisher.publish({ topic: "orders", payload: "c" }));
    expect(bench.kafka.producers).toHaveLength(2);
    expect(bench.cluster.log("orders").values()).toEqual(["a", "c"]);
  });

  it("for lack of permission is not to be tried again", async () => {
    const { bench, publisher } = await opened();
    await bench.settled(publisher.publish({ topic: "orders", payload: "a" }));
    bench.kafka.producer.failures.push(new FakeKafkaError("TOPIC_AUTHORIZATION_FAILED"));
    const error = await bench.settled(failure(publisher.publish({ topic: "orders", payload: "b" })));
    expect((error as { retryable: boolean }).retryable).toBe(false);
    expect(String(error)).toContain("the server refuses this user the topic; it needs an ACL for it");
  });
});

describe("while the server is away", () => {
  it("messages wait for it", async () => {
    const events = heard("tidelane:reconnect");
    const { bench, connection, publisher } = await opened();
    await bench.settled(publisher.publish({ topic: "orders", payload: "a" }));
    bench.kafka.producer.failures.push(refused);
    await bench.settled(failure(publisher.publish({ topic: "orders", payload: "b" })));
    bench.cluster.outage = refused;
    const waiting = Promise.all(["c", "d"].map((payload) => publisher.publish({ topic: "orders", payload })));
    await bench.clock.advance(5_000);
    expect(connection.state).toBe("reconnecting");
    bench.cluster.outage = undefined;
    await bench.clock.advance(10_000);
    await waiting;
    expect(connection.state).toBe("open");
    expect(events.at(-1)?.state).toBe("restored");
    expect(bench.cluster.log("orders").values()).toEqual(["a", "c", "d"]);
  });

  it("but no longer than they may", async () => {
    const { bench, publisher } = await opened({ publishTimeoutMs: 2_000 });
    await bench.settled(publisher.publish({ topic: "orders", payload: "a" }));
    bench.cluster.outage = refused;
    bench.kafka.producer.failures.push(refused);
    await bench.settled(failure(publisher.publish({ topic: "orders", payload: "b" })));
    const waiting = failure(publisher.publish({ topic: "orders", payload: "c" }));
    await bench.clock.advance(2_000);
    expect(String(await waiting)).toBe(
      'TimeoutError: The publish to "orders" did not finish within 2000 ms.',
    );
  });

  it("and can be given up", async () => {
    const { bench, publisher } = await opened();
    bench.cluster.outage = refused;
    const abort = new AbortController();
    const waiting = failure(publisher.publish({ topic: "orders", payload: "a" }, { signal: abort.signal }));
    await bench.flush();
    abort.abort(new Error("enough"));
    const error = await bench.settled(waiting);
    expect(isTidelaneError(error, "TIDELANE_ABORTED")).toBe(true);
    bench.cluster.outage = undefined;
    await bench.clock.advance(60_000);
    expect(bench.cluster.log("orders").values()).toEqual([]);
  });
});

describe("options", () => {
  it("refuses a compression without a codec, and names the package", async () => {
    const { connection } = await opened();
    expect(() => connection.publisher({ compression: "snappy" })).toThrow(
      "snappy compression is not supported here: kafkajs has no codec for it: install kafkajs-snappy and register it in kafkajs's CompressionCodecs.",
    );
    expect(() => connection.publisher({ compression: "lz4" })).toThrow("install kafkajs-lz4");
    expect(() => connection.publisher({ compression: "zstd" })).toThrow("install @kafkajs/zstd");
  });

  it("takes one that is registered", async () => {
    const { bench, connection } = await opened();
    bench.kafka.codecs[4] = () => ({});
    const publisher = connection.publisher({ compression: "zstd" });
    await bench.settled(publisher.publish({ topic: "orders", payload: "x" }));
    expect(bench.kafka.producer.requests[0]?.compression).toBe(4);
  });

  it.each([
    [{ acks: "some" }, 'options.acks must be one of "all", "leader", "none"; received "some".'],
    [{ acks: "leader", idempotent: true }, 'options.idempotent must be false with acks other than "all"'],
    [{ compression: "brotli" }, "options.compression must be one of"],
    [{ maxBatchBytes: 0 }, "options.maxBatchBytes"],
    [{ publishTimeoutMs: Number.NaN }, "options.publishTimeoutMs"],
    [{ transactionalId: "" }, "options.transactionalId"],
    [{ partitioner: "random" }, 'options.partitioner must be one of "murmur2", "crc32"; received "random".'],
    [{ create: 1 }, "options.create"],
    [{ ack: "all" }, 'connection.publisher(options) has no option "ack"; the nearest one is "acks".'],
    [{ create: { repliaction: 1 } }, '"create.repliaction"'],
  ])("refuses %o", async (options, sentence) => {
    const { connection } = await opened();
    expect(() => connection.publisher(options as KafkaPublisherOptions)).toThrow(sentence);
  });
});

describe("checkTopic()", () => {
  it("creates what publish would create", async () => {
    const { bench, publisher } = await opened({ create: { partitions: 3 } });
    await bench.settled(publisher.checkTopic("later"));
    expect(bench.cluster.topics.get("later")).toHaveLength(3);
  });

  it("waits for an outage to pass, for a time, and can be given up", async () => {
    const { bench, publisher } = await opened({ publishTimeoutMs: 5_000 });
    bench.cluster.outage = refused;
    const late = failure(publisher.checkTopic("orders"));
    await bench.clock.advance(10_000);
    expect(await late).toMatchObject({ code: "TIDELANE_PUBLISH_FAILED", retryable: true });
    const abort = new AbortController();
    const aborted = failure(publisher.checkTopic("orders", { signal: abort.signal }));
    abort.abort();
    expect(String(await bench.settled(aborted))).toBe(
      "AbortedError: checkTopic() was aborted by its signal.",
    );
    bench.cluster.outage = undefined;
    await bench.clock.advance(5_000);
  });

  it("is refused after close()", async () => {
    const { bench, connection, publisher } = await opened();
    await bench.settled(connection.close());
    expect(await failure(publisher.checkTopic("orders"))).toMatchObject({
      code: "TIDELANE_CONNECTION_CLOSED",
    });
  });
});
