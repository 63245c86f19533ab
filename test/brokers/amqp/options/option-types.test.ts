import { AmqpBroker, amqpExclusiveQueue, amqpQueue } from "../../../../src/brokers/amqp/index.ts";
import { VirtualClock } from "../../../../src/testing/index.ts";
import { booleans, numbers, objects, refusesWrongOptions, textOptions } from "../../wrong-options.ts";
import { setUp } from "../support.ts";

const publish = {
  exchange: "x",
  mandatory: true,
  persistent: true,
  priority: 1,
  expirationMs: 5,
  keyHeader: "key",
};
const publishTypes = (prefix: string) => [
  ...textOptions(`${prefix}exchange`, `${prefix}keyHeader`),
  ...booleans(`${prefix}mandatory`, `${prefix}persistent`),
  ...numbers(`${prefix}priority`, `${prefix}expirationMs`),
];
const exchange = {
  name: "x",
  type: "topic",
  durable: true,
  autoDelete: false,
  internal: false,
  alternateExchange: "y",
  arguments: {},
};
const exchangeTypes = (prefix: string) => [
  ...objects(`${prefix}exchanges`, `${prefix}exchanges[0]`, `${prefix}exchanges[0].arguments`),
  ...textOptions(...["name", "type", "alternateExchange"].map((name) => `${prefix}exchanges[0].${name}`)),
  ...booleans(...["durable", "autoDelete", "internal"].map((name) => `${prefix}exchanges[0].${name}`)),
];
const queue = {
  deadLetter: { topic: "dead", exchange: "x", atLeastOnce: true },
  maxDeliveries: 5,
  singleActiveConsumer: true,
  maxLength: 5,
  maxBytes: 5,
  overflow: "reject-publish",
  messageTtlMs: 5,
  expiresMs: 5,
  autoDelete: false,
  arguments: {},
};
const queueTypes = (prefix: string) => [
  ...objects(`${prefix}deadLetter`, `${prefix}arguments`),
  ...textOptions(`${prefix}deadLetter.topic`, `${prefix}deadLetter.exchange`, `${prefix}overflow`),
  ...booleans(`${prefix}deadLetter.atLeastOnce`, `${prefix}singleActiveConsumer`, `${prefix}autoDelete`),
  ...numbers(
    ...["maxDeliveries", "maxLength", "maxBytes", "messageTtlMs", "expiresMs"].map((name) => prefix + name),
  ),
];
const binding = { exchange: "x", routingKey: "a", arguments: {} };
const bindingTypes = (prefix: string) => [
  ...objects(`${prefix}bindings`, `${prefix}bindings[0]`, `${prefix}bindings[0].arguments`),
  ...textOptions(`${prefix}bindings[0].exchange`, `${prefix}bindings[0].routingKey`),
];

refusesWrongOptions(
  "new AmqpBroker(options)",
  {
    url: "amqp://x",
    name: "x",
    tls: {},
    connectTimeoutMs: 5,
    heartbeatMs: 1_000,
    connect: { waitMs: 5 },
    reconnect: { initialMs: 5, maxMs: 5, maxAttempts: 5 },
    publishTimeoutMs: 5,
    closeTimeoutMs: 5,
    maxPayloadBytes: 5,
    publish,
    topology: {
      exchanges: [exchange],
      queues: [{ name: "q", type: "quorum", ...queue }],
      bindings: [{ ...binding, queue: "q" }],
    },
    clock: new VirtualClock(),
    client: { connect: () => {} },
  },
  (options) => new AmqpBroker(options),
  [
    ...objects("tls", "connect", "reconnect", "publish", "topology", "topology.queues", "topology.queues[0]"),
    ...objects("clock", "client"),
    ["client", {}],
    ["clock", {}],
    ["reconnect", true],
    ...textOptions("url", "name", "topology.queues[0].name", "topology.queues[0].type"),
    ...textOptions("topology.bindings[0].queue"),
    ...numbers("connectTimeoutMs", "heartbeatMs", "publishTimeoutMs", "closeTimeoutMs", "maxPayloadBytes"),
    ...numbers("connect.waitMs", "reconnect.initialMs", "reconnect.maxMs", "reconnect.maxAttempts"),
    ...publishTypes("publish."),
    ...exchangeTypes("topology."),
    ...queueTypes("topology.queues[0]."),
    ...bindingTypes("topology."),
  ],
);

refusesWrongOptions(
  "amqpQueue(queue, options)",
  {
    maxInFlight: 5,
    exchanges: [exchange],
    type: "quorum",
    create: queue,
    bindings: [binding],
    delaysMs: [5],
    deadLetters: false,
    exclusive: false,
    priority: 0,
  },
  (options) => amqpQueue("orders", options),
  [
    ...numbers("maxInFlight", "delaysMs", "delaysMs[0]", "priority"),
    ...textOptions("type"),
    ...objects("create"),
    ...booleans("deadLetters", "exclusive"),
    ...exchangeTypes(""),
    ...queueTypes("create."),
    ...bindingTypes(""),
  ],
);

refusesWrongOptions(
  "amqpExclusiveQueue(topic, options)",
  { maxInFlight: 5, exchanges: [exchange], exchange: "x" },
  (options) => amqpExclusiveQueue("a", options),
  [...numbers("maxInFlight"), ...textOptions("exchange"), ...exchangeTypes("")],
);

refusesWrongOptions(
  "connection.publisher(options)",
  publish,
  async (options) => (await setUp()).connection.publisher(options),
  publishTypes(""),
);
