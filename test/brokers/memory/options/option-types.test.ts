import { MemoryBroker, memorySource } from "../../../../src/brokers/memory/index.ts";
import { VirtualClock } from "../../../../src/testing/index.ts";
import { numbers, objects, refusesWrongOptions, textOptions } from "../../wrong-options.ts";

refusesWrongOptions(
  "new MemoryBroker(options)",
  {
    name: "x",
    clock: new VirtualClock(),
    maxPayloadBytes: 5,
    topics: { a: { retain: true, capacity: { messages: 5, bytes: 5 } } },
    unread: { messages: 5 },
  },
  (options) => new MemoryBroker(options),
  [
    ...textOptions("name"),
    ...objects("clock", "topics", "unread"),
    ["clock", {}],
    ...numbers("maxPayloadBytes", "unread.messages"),
  ],
);

const topics = (settings: object) => ({ topics: { a: settings } });

refusesWrongOptions(
  "the options of a topic",
  { retain: { messages: 5, bytes: 5, ageMs: 5 }, capacity: { messages: 5, bytes: 5 } },
  (settings) => new MemoryBroker(topics(settings)),
  [
    ...objects("retain", "capacity"),
    ...numbers("retain.messages", "retain.bytes", "retain.ageMs", "capacity.messages", "capacity.bytes"),
  ],
);

refusesWrongOptions(
  "memorySource(topic, options)",
  {
    group: "g",
    maxInFlight: 5,
    ackDeadlineMs: 5,
    deadLetter: { topic: "dead", maxDeliveries: 5 },
    from: "new",
  },
  (options) => memorySource("orders", options),
  [
    ...textOptions("group", "from", "deadLetter.topic"),
    ...objects("deadLetter"),
    ...numbers("maxInFlight", "ackDeadlineMs", "deadLetter.maxDeliveries"),
  ],
);
