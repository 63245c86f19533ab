import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { KafkaBroker } from "../../../../src/brokers/kafka/broker.ts";
import type { KafkaBrokerOptions } from "../../../../src/brokers/kafka/options/options.ts";
import type { KafkaSubscribeOptions } from "../../../../src/brokers/kafka/options/subscription.ts";
import { kafkaPatternSource, kafkaSource } from "../../../../src/brokers/kafka/source.ts";
import { DeliveryRevokedError, isTidelaneError, UnknownOptionError } from "../../../../src/traits/errors.ts";
import { Bench, taken } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

it.each(["u:opensesame", { brokers: "u:opensesame" }, { brokers: ["kafka://u:opensesame"] }])(
  "what may be a login is not shown: %j",
  (options) => {
    const make = (): unknown => new KafkaBroker(options as KafkaBrokerOptions);
    expect(make).toThrow(/not shown/);
    expect(make).not.toThrow(/opensesame/);
  },
);

describe("a broker", () => {
  it.each([
    [{ brokers: "" }, "options.brokers"],
    [{ brokers: [] }, "options.brokers"],
    [{ brokers: "kafka" }, '"host:port"'],
    [{ brokers: "kafka://kafka:9092" }, '"host:port"'],
    [{ brokers: "kafka:0" }, '"host:port" with a port of 1 to 65535; received "kafka:0"'],
    [{ brokers: ["a:1", "kafka:99999"] }, '"host:port" with a port of 1 to 65535; received "kafka:99999"'],
    [{ brokers: "a:1", name: "" }, "options.name"],
    [{ brokers: "a:1", clientId: "" }, "options.clientId"],
    [{ brokers: "a:1", connectionTimeoutMs: 0 }, "options.connectionTimeoutMs"],
    [{ brokers: "a:1", requestTimeoutMs: 1.5 }, "options.requestTimeoutMs"],
    [{ brokers: "a:1", reconnect: { maxMs: -1 } }, "options.reconnect.maxMs"],
    [{ brokers: "a:1", maxPayloadBytes: -1 }, "options.maxPayloadBytes"],
    [{ brokers: "a:1", closeTimeoutMs: Number.NaN }, "options.closeTimeoutMs"],
    [{ brokers: "a:1", connect: { waitMs: -1 } }, "options.connect.waitMs"],
    [{ brokers: "a:1", create: "yes" }, "options.create must be true, false or settings of the topic"],
    [{ brokers: "a:1", create: { partitions: 0 } }, "options.create.partitions"],
    [{ brokers: "a:1", create: { replicationFactor: 0.5 } }, "options.create.replicationFactor"],
    [
      { brokers: "a:1", create: { config: { "retention.ms": null } } },
      'options.create.config["retention.ms"]',
    ],
    [undefined, "options must be an object"],
  ])("refuses %o", (options, sentence) => {
    expect(() => new KafkaBroker(options as KafkaBrokerOptions)).toThrow(sentence);
  });

  it.each(["user:secret@host:9092", "user:se@cret,s@host:9092", "a:1,kafka://user:secret@host:9092"])(
    "shows nothing of a login that was put into an address: %s",
    (brokers) => {
      expect(() => new KafkaBroker({ brokers })).toThrow(
        /^options\.brokers must be "host:port" without a login; give the login as options\.sasl; received "\(an address with a login, not shown\)"\.$/,
      );
    },
  );

  it.each([
    [{ brokers: "a:1", uri: "x" }, 'new KafkaBroker(options) has no option "uri"'],
    [{ brokers: "a:1", autoCreateTopics: true }, 'has no option "autoCreateTopics"'],
    [{ brokers: "a:1", reconnect: { initalMs: 1 } }, '"reconnect.initalMs"; the nearest one is "initialMs"'],
    [{ brokers: "a:1", connect: { wait: 1 } }, '"connect.wait"'],
    [{ brokers: "a:1", create: { partition: 1 } }, '"create.partition"; the nearest one is "partitions"'],
  ])("refuses an option it does not have: %o", (options, sentence) => {
    const build = (): KafkaBroker => new KafkaBroker(options as KafkaBrokerOptions);
    expect(build).toThrow(sentence);
    expect(build).toThrow(UnknownOptionError);
  });

  it("looks into nothing that is for others: TLS, login, sockets, the client, settings of a topic", () => {
    const options = {
      brokers: "a:1",
      ssl: { anything: 1 } as object,
      sasl: { mechanism: "plain", username: "me", password: "x", more: 1 } as const,
      create: { config: { "any.thing": "x" } },
    };
    expect(() => new KafkaBroker(options)).not.toThrow();
  });

  it("takes several servers, also of version 6, in one string or a list", async () => {
    const bench = new Bench({ brokers: ["a:1, b:2", "[::1]:3"] });
    const connection = await bench.connect();
    expect(connection.describe()).toEqual({ protocol: "kafka", address: "a:1,b:2,[::1]:3" });
  });

  it("hands TLS and credentials to its client, and to nobody else", async () => {
    const sasl = { mechanism: "plain", username: "me", password: "very-secret" } as const;
    const bench = new Bench({ ssl: true, sasl });
    const connection = await bench.connect();
    expect(bench.kafka.configs[0]).toMatchObject({ ssl: true, sasl });
    expect(bench.kafka.configs[0]?.sasl).not.toBe(sasl);
    expect(inspect([connection, connection.describe(), connection.publisher()], { depth: 9 })).not.toContain(
      "very-secret",
    );
  });

  it("has its client keep quiet and leave restarts to it", async () => {
    const bench = new Bench();
    await bench.subscribe();
    expect(bench.kafka.configs.every(({ logLevel }) => logLevel === 0)).toBe(true);
    expect(await bench.kafka.consumer.config.retry.restartOnFailure?.(new Error())).toBe(false);
  });

  it("gives every consumer a client of its own", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const before = bench.kafka.configs.length;
    await bench.settled(connection.subscribe("orders", { group: "g" }));
    await bench.settled(connection.subscribe("orders", { group: "h" }));
    expect(bench.kafka.configs.length - before).toBe(2);
  });
});

describe("connect()", () => {
  it.each([
    [
      "KafkaJSConnectionError",
      { code: "ECONNREFUSED", broker: "a:1" },
      "nothing listens at a:1; check the port",
      true,
    ],
    [
      "KafkaJSConnectionError",
      { message: "Connection timeout", broker: "a:1" },
      "no answer at a:1 in time",
      true,
    ],
    ["KafkaJSConnectionError", { code: "ENOTFOUND" }, "there is no such host", true],
    ["KafkaJSConnectionError", { code: "DEPTH_ZERO_SELF_SIGNED_CERT" }, "give its issuer in ssl.ca", false],
    ["KafkaJSConnectionError", { code: "ERR_TLS_CERT_ALTNAME_INVALID" }, "is for another host name", false],
    [
      "KafkaJSConnectionError",
      { code: "EPROTO" },
      "TLS is on in the options, and the port does not speak it",
      false,
    ],
    [
      "KafkaJSConnectionClosedError",
      { broker: "a:1" },
      "closed the connection; check whether it wants TLS or SASL",
      true,
    ],
    [
      "KafkaJSSASLAuthenticationError",
      { message: "Invalid username or password." },
      "refused the credentials",
      false,
    ],
  ])("that fails with %s %o says: %s", async (name, facts, sentence, retryable) => {
    const bench = new Bench();
    const cause = Object.assign(new FakeKafkaError("x", { name }), facts);
    bench.cluster.outage = Object.assign(new Error("wrapped"), {
      name: "KafkaJSNumberOfRetriesExceeded",
      cause,
    });
    const error = await failure(bench.broker().connect());
    expect(isTidelaneError(error, "TIDELANE_CONNECT_FAILED")).toBe(true);
    expect(String(error)).toContain(`Connecting to "kafka" failed: `);
    expect(String(error)).toContain(sentence);
    expect((error as { retryable: boolean }).retryable).toBe(retryable);
  });

  it("shows no credential the client put into its error", async () => {
    const sasl = { mechanism: "plain", username: "me", password: "very-secret" } as const;
    const bench = new Bench({ sasl });
    bench.cluster.outage = Object.assign(new Error("no luck with very-secret"), { config: { sasl } });
    const error = await failure(bench.broker().connect());
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain("very-secret");
    expect(String(error)).toContain("no luck with ***");
  });

  it("waits for a server that comes later, as long as it is told to", async () => {
    const bench = new Bench({ connect: { waitMs: 60_000 } });
    bench.cluster.outage = new FakeKafkaError("x", { name: "KafkaJSConnectionError" });
    const connecting = bench.broker().connect();
    await bench.clock.advance(30_000);
    bench.cluster.outage = undefined;
    await bench.clock.advance(10_000);
    const connection = await connecting;
    expect(connection.state).toBe("open");
    await bench.settled(connection.close());
  });

  it("waits no longer, and not after a refusal", async () => {
    const bench = new Bench({ connect: { waitMs: 5_000 } });
    bench.cluster.outage = new FakeKafkaError("x", { name: "KafkaJSConnectionError" });
    const late = failure(bench.broker().connect());
    await bench.clock.advance(5_000);
    expect(await late).toMatchObject({ code: "TIDELANE_CONNECT_FAILED", retryable: true });
    bench.cluster.outage = new FakeKafkaError("x", { name: "KafkaJSSASLAuthenticationError" });
    expect(await failure(bench.broker().connect())).toMatchObject({ retryable: false });
  });

  it("that waits can be given up", async () => {
    const bench = new Bench({ connect: { waitMs: Number.POSITIVE_INFINITY } });
    bench.cluster.outage = new FakeKafkaError("x", { name: "KafkaJSConnectionError" });
    const abort = new AbortController();
    const connecting = failure(bench.broker().connect({ signal: abort.signal }));
    await bench.clock.advance(30_000);
    abort.abort();
    expect(String(await connecting)).toBe("AbortedError: connect() was aborted by its signal.");
    await bench.flush();
    expect(bench.clock.timers).toBe(0);
  });

  it("can be given up before and during", async () => {
    const bench = new Bench();
    const reason = new Error("enough");
    const before = await failure(bench.broker().connect({ signal: AbortSignal.abort(reason) }));
    const abort = new AbortController();
    const connecting = failure(bench.broker().connect({ signal: abort.signal }));
    abort.abort(reason);
    for (const error of [before, await connecting]) {
      expect(isTidelaneError(error, "TIDELANE_ABORTED")).toBe(true);
      expect((error as Error).cause).toBe(reason);
    }
    await bench.flush();
    expect(bench.kafka.admins.every(({ connected }) => !connected)).toBe(true);
  });
});

describe("close()", () => {
  it("ends everything, once, and says so to whoever comes later", async () => {
    const bench = new Bench();
    bench.cluster.publish("orders", ["a", "b"]);
    const connection = await bench.connect();
    const subscriber = await bench.settled(connection.subscribe("orders", { group: "g", from: "start" }));
    const iterator = subscriber[Symbol.asyncIterator]();
    const [a] = await taken(bench, iterator);
    const waiting = iterator.next();
    const publisher = connection.publisher();
    await bench.settled(publisher.publish({ topic: "orders", payload: "c" }));
    const [first, second] = [connection.close(), connection.close()];
    await bench.settled(Promise.all([first, second]));
    expect(connection.state).toBe("closed");
    expect((await waiting).value?.text() ?? "done").toMatch(/c|done/);
    await expect(a?.ack()).rejects.toThrow(DeliveryRevokedError);
    for (const call of [
      publisher.publish({ topic: "orders", payload: "x" }),
      connection.publisher().publish({ topic: "orders", payload: "x" }),
      connection.publisher({ acks: "leader" }).publish({ topic: "orders", payload: "x" }),
      publisher.transaction(async () => undefined),
      connection.subscribe("orders"),
      connection.subscribe(kafkaSource("orders")),
      connection.subscribePattern(/x/),
    ]) {
      expect(isTidelaneError(await failure(call), "TIDELANE_CONNECTION_CLOSED")).toBe(true);
    }
    expect(bench.kafka.consumers.some(({ connected }) => connected)).toBe(false);
    expect(bench.kafka.producers.some(({ connected }) => connected)).toBe(false);
    expect(bench.kafka.admins.some(({ connected }) => connected)).toBe(false);
  });

  it("lets what is on its way arrive, and rejects what is not", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const publisher = connection.publisher();
    await bench.settled(publisher.publish({ topic: "orders", payload: "0" }));
    let open: () => void = () => undefined;
    bench.kafka.producer.gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const sent = publisher.publish({ topic: "orders", payload: "1" });
    await bench.flush();
    const queued = failure(publisher.publish({ topic: "orders", payload: "2" }));
    const down = connection.close();
    await bench.flush();
    open();
    await bench.settled(down);
    await sent;
    expect(isTidelaneError(await queued, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
    expect(bench.cluster.log("orders").values()).toEqual(["0", "1"]);
  });

  it("is bounded in time when nothing answers", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const publisher = connection.publisher();
    await bench.settled(publisher.publish({ topic: "orders", payload: "0" }));
    await bench.settled(connection.subscribe("orders", { group: "g" }));
    const never = (): Promise<never> => new Promise(() => undefined);
    bench.kafka.consumer.disconnect = never;
    bench.kafka.producer.disconnect = never;
    bench.kafka.producer.gate = never();
    const sent = failure(publisher.publish({ topic: "orders", payload: "1" }));
    await bench.flush();
    const down = connection.close();
    await bench.clock.advance(15_000);
    await down;
    expect(isTidelaneError(await sent, "TIDELANE_CONNECTION_CLOSED")).toBe(true);
  });
});

describe("subscribe()", () => {
  it.each<[unknown, KafkaSubscribeOptions | undefined, string]>([
    ["", undefined, "subscribe(topics) must be a topic of Kafka"],
    ["a/b", undefined, "subscribe(topics) must be a topic of Kafka"],
    [[], undefined, "at least one topic"],
    [5, undefined, "subscribe(topics)"],
    ["orders", { group: "" }, "options.group"],
    ["orders", { from: "middle" as "new" }, '"new", "start" or { timeMs: milliseconds since 1970 }'],
    ["orders", { from: { timeMs: -5 } }, "options.from"],
    ["orders", { maxInFlight: 0 }, "options.maxInFlight"],
    ["orders", { maxUncommitted: 0.5 }, "options.maxUncommitted"],
    ["orders", { commitIntervalMs: -1 }, "options.commitIntervalMs"],
    ["orders", { partitions: [] }, "a list of partition numbers, not empty"],
    ["orders", { partitions: [-1] }, "a number in options.partitions"],
    ["orders", { prefetch: { records: 0 } }, "options.prefetch.records"],
    ["orders", { fetch: { maxWaitMs: 0 } }, "options.fetch.maxWaitMs"],
    ["orders", { heartbeatIntervalMs: 20_000 }, "at most half of sessionTimeoutMs (30000)"],
    ["orders", { drainMs: 27_000 }, "options.drainMs must be at most 26500"],
  ])("refuses %j with %j", async (topics, options, sentence) => {
    const bench = new Bench();
    const connection = await bench.connect();
    const error = await failure(connection.subscribe(topics as string, options));
    expect(isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT")).toBe(true);
    expect(String(error)).toContain(sentence);
  });

  it.each<[KafkaSubscribeOptions, string]>([
    [{ gruop: "g" } as object, 'has no option "gruop"; the nearest one is "group"'],
    [{ maxInflight: 1 } as object, 'has no option "maxInflight"; the nearest one is "maxInFlight"'],
    [{ fetch: { maxWait: 1 } as object }, '"fetch.maxWait"'],
    [{ prefetch: { record: 1 } as object }, '"prefetch.record"; the nearest one is "records"'],
    [{ create: { replicas: 1 } as object }, '"create.replicas"'],
  ])("refuses options it does not have, and names the call: %j", async (options, sentence) => {
    const bench = new Bench();
    const connection = await bench.connect();
    expect(() => kafkaSource("orders", options)).toThrow(`kafkaSource("orders", options) has no option`);
    expect(() => kafkaSource(["orders", "b"], options)).toThrow("kafkaSource(topics, options)");
    expect(() => kafkaPatternSource(/x/, options)).toThrow("kafkaPatternSource(/x/, options)");
    const errors = await Promise.all([
      failure(connection.subscribe("orders", options)),
      failure(connection.subscribePattern(/x/, options)),
    ]);
    for (const error of errors) {
      expect(error).toBeInstanceOf(UnknownOptionError);
      expect(String(error)).toContain(sentence);
    }
    expect(String(errors[0])).toContain('connection.subscribe("orders", options)');
    expect(String(errors[1])).toContain("connection.subscribePattern(/x/, options)");
  });

  it("refuses what does not go together", () => {
    expect(() => kafkaPatternSource(/x/, { create: true })).toThrow(
      "options.create must be left out or false for a pattern",
    );
    expect(() => kafkaSource("orders", { partitions: [0], partitionAssigners: ["range"] })).toThrow(
      "options.partitionAssigners must be left out with options.partitions",
    );
  });

  it.each([[[]], ["range"], [["range", "rnage"]], [[5]]])("refuses the assigners %j", (given) => {
    expect(() => kafkaSource("orders", { partitionAssigners: given as never })).toThrow(
      'options.partitionAssigners must be a list of at least one of "tidelane-sticky", "range", "roundrobin", "RoundRobinAssigner"',
    );
  });

  it("gives a subscriber the clock of its broker", async () => {
    const bench = new Bench();
    expect((await bench.subscribe()).clock).toBe(bench.clock);
  });

  it("refuses a pattern that is none", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const error = await failure(connection.subscribePattern("orders.*" as unknown as RegExp));
    expect(String(error)).toContain("a RegExp for names of topics");
  });

  it("takes a source, which says beforehand what it promises", async () => {
    const bench = new Bench();
    const connection = await bench.connect();
    const source = kafkaSource(["orders", "orders"], { group: "g", maxInFlight: 7, from: "start" });
    expect([source.topic, source.capabilities.maxInFlight, source.capabilities.backlog]).toEqual([
      "orders",
      7,
      true,
    ]);
    const subscriber = await bench.settled(connection.subscribe(source));
    expect(subscriber.capabilities).toEqual(source.capabilities);
    expect(() => kafkaSource("a b")).toThrow("kafkaSource(topics)");
    expect(() => kafkaPatternSource(5 as unknown as RegExp)).toThrow("kafkaPatternSource(pattern)");
  });
});
