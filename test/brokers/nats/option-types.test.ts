import { checkStreamSettings } from "../../../src/brokers/jetstream/options.ts";
import { JetStreamBroker, jetStreamSource, NatsBroker, natsSource } from "../../../src/brokers/nats/index.ts";
import { VirtualClock } from "../../../src/testing/index.ts";
import { booleans, numbers, objects, refusesWrongOptions, textOptions } from "../wrong-options.ts";
import { setUpCore, setUpJetStream } from "./support.ts";

const broker = {
  name: "x",
  servers: "nats://x",
  user: "a",
  password: "b",
  authenticator: () => {},
  tls: {},
  client: { connect: () => {}, headers: () => {} },
  clientOptions: {},
  connectTimeoutMs: 5,
  pingIntervalMs: 5,
  connect: { waitMs: 5 },
  reconnect: { initialMs: 5, maxMs: 5, maxAttempts: 5 },
  publishTimeoutMs: 5,
  closeTimeoutMs: 5,
  inboxPrefix: "x",
  clock: new VirtualClock(),
};
const brokerTypes = [
  ...textOptions("name", "servers", "user", "password", "token", "inboxPrefix"),
  ...objects("authenticator", "tls", "client", "clientOptions", "connect", "reconnect", "clock"),
  ...booleans("tls"),
  ...numbers("connectTimeoutMs", "pingIntervalMs", "publishTimeoutMs", "closeTimeoutMs", "connect.waitMs"),
  ...numbers("reconnect.initialMs", "reconnect.maxMs", "reconnect.maxAttempts"),
];

refusesWrongOptions("new NatsBroker(options)", broker, (options) => new NatsBroker(options), brokerTypes);

refusesWrongOptions(
  "new JetStreamBroker(options)",
  { ...broker, apiPrefix: "x", apiTimeoutMs: 5 },
  (options) => new JetStreamBroker(options),
  [...brokerTypes, ...textOptions("apiPrefix"), ...numbers("apiTimeoutMs")],
);

refusesWrongOptions(
  "natsSource(subject, options)",
  { group: "g", inbox: { maxMessages: 5, maxBytes: 5, overflow: "fail" } },
  (options) => natsSource("orders", options),
  [
    ...textOptions("group", "inbox.overflow"),
    ...objects("inbox"),
    ...numbers("inbox.maxMessages", "inbox.maxBytes"),
  ],
);

const stream = {
  subjects: ["a"],
  update: "add",
  storage: "file",
  retention: "limits",
  discard: "old",
  maxMessages: 5,
  maxMessagesPerSubject: 5,
  maxBytes: 5,
  maxMessageBytes: 5,
  maxAgeMs: 5,
  duplicateWindowMs: 5,
  replicas: 1,
};
const streamTypes = (prefix: string) => [
  ...objects(`${prefix}subjects`),
  ...textOptions(...["update", "storage", "retention", "discard"].map((name) => prefix + name)),
  ...numbers(
    ...[
      "maxMessages",
      "maxMessagesPerSubject",
      "maxBytes",
      "maxMessageBytes",
      "maxAgeMs",
      "duplicateWindowMs",
      "replicas",
    ].map((name) => prefix + name),
  ),
];

refusesWrongOptions(
  "settings of a stream",
  stream,
  (options) => checkStreamSettings("options", options),
  streamTypes(""),
);

refusesWrongOptions(
  "jetStreamSource(subject, options)",
  {
    stream: "s",
    group: "g",
    create: stream,
    from: "new",
    ackDeadlineMs: 5,
    maxInFlight: 5,
    prefetch: 5,
    sole: true,
    maxAckPending: 5,
    confirmAcks: true,
    heartbeatMs: 5_000,
    recoveryMs: 5,
  },
  (options) => jetStreamSource("a", options),
  [
    ...textOptions("stream", "group", "from"),
    ...objects("create"),
    ...booleans("sole", "confirmAcks"),
    ...numbers("ackDeadlineMs", "maxInFlight", "prefetch", "maxAckPending", "heartbeatMs", "recoveryMs"),
    ...streamTypes("create."),
  ],
);

refusesWrongOptions(
  "connection.publisher(options) of NATS",
  { confirm: true, keyHeader: "key" },
  async (options) => (await setUpCore()).connection.publisher(options),
  [...booleans("confirm"), ...textOptions("keyHeader")],
);

refusesWrongOptions(
  "connection.publisher(options) of JetStream",
  { maxOutstanding: 5, resend: true, keyHeader: "key" },
  async (options) => (await setUpJetStream()).connection.publisher(options),
  [...numbers("maxOutstanding"), ...booleans("resend"), ...textOptions("keyHeader")],
);
