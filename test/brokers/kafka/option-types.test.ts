import { KafkaBroker, kafkaSource } from "../../../src/brokers/kafka/index.ts";
import { VirtualClock } from "../../../src/testing/index.ts";
import { booleans, numbers, objects, refusesWrongOptions, textOptions } from "../wrong-options.ts";
import { Bench } from "./fake/bench.ts";

const create = { partitions: 1, replicationFactor: 1, config: { "cleanup.policy": "compact" } };
const createTypes = [
  ...objects("create", "create.config"),
  ...numbers("create.partitions", "create.replicationFactor"),
];

refusesWrongOptions(
  "new KafkaBroker(options)",
  {
    brokers: "localhost:9092",
    name: "x",
    clientId: "x",
    ssl: true,
    sasl: { mechanism: "plain", username: "a", password: "b" },
    clock: new VirtualClock(),
    connectionTimeoutMs: 5,
    requestTimeoutMs: 5,
    closeTimeoutMs: 5,
    connect: { waitMs: 5 },
    reconnect: { initialMs: 5, maxMs: 5 },
    maxPayloadBytes: 5,
    create,
    socketFactory: () => {},
    client: { Kafka: class {} },
  },
  (options) => new KafkaBroker(options),
  [
    ...textOptions("brokers", "name", "clientId"),
    ...booleans("ssl"),
    ...objects("sasl", "clock", "connect", "reconnect", "socketFactory", "client"),
    ["client", {}],
    ...numbers("connectionTimeoutMs", "requestTimeoutMs", "closeTimeoutMs", "maxPayloadBytes"),
    ...numbers("connect.waitMs", "reconnect.initialMs", "reconnect.maxMs"),
    ...createTypes,
  ],
);

refusesWrongOptions(
  "kafkaSource(topic, options)",
  {
    group: "g",
    from: "start",
    create,
    partitions: [0],
    maxInFlight: 5,
    maxUncommitted: 5,
    commitIntervalMs: 5,
    prefetch: { records: 5, bytes: 5 },
    fetch: { maxBytes: 5, maxBytesPerPartition: 5, minBytes: 5, maxWaitMs: 5 },
    sessionTimeoutMs: 30_000,
    heartbeatIntervalMs: 3_000,
    rebalanceTimeoutMs: 30_000,
    drainMs: 5,
    openTimeoutMs: 5,
    patternRefreshMs: 5,
    readUncommitted: false,
  },
  (options) => kafkaSource("orders", options),
  [
    ...textOptions("group", "from", "partitionAssigners"),
    ...objects("partitions", "prefetch", "fetch"),
    ...booleans("readUncommitted"),
    ...numbers("maxInFlight", "maxUncommitted", "commitIntervalMs", "prefetch.records", "prefetch.bytes"),
    ...numbers("fetch.maxBytes", "fetch.maxBytesPerPartition", "fetch.minBytes", "fetch.maxWaitMs"),
    ...numbers("sessionTimeoutMs", "heartbeatIntervalMs", "rebalanceTimeoutMs", "drainMs"),
    ...numbers("openTimeoutMs", "patternRefreshMs"),
    ...createTypes,
  ],
);

refusesWrongOptions(
  "connection.publisher(options)",
  {
    acks: "all",
    idempotent: true,
    compression: "none",
    partitioner: "murmur2",
    create,
    transactionalId: "x",
    transactionTimeoutMs: 5,
    publishTimeoutMs: 5,
    maxBatchBytes: 5,
  },
  async (options) => (await new Bench().connect()).publisher(options),
  [
    ...textOptions("acks", "compression", "partitioner", "transactionalId"),
    ...booleans("idempotent"),
    ...numbers("transactionTimeoutMs", "publishTimeoutMs", "maxBatchBytes"),
    ...createTypes,
  ],
);
