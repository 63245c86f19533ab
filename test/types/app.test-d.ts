import {
  type App,
  ack,
  batches,
  bytes,
  type Channel,
  channel,
  createApp,
  deadLetter,
  MemoryBroker,
  type MemoryConnection,
  type MemoryMessage,
  type Message,
  type MessageHeaders,
  memorySource,
  type Publish,
  rpc,
  text,
} from "tidelane";
import { AmqpBroker } from "tidelane/amqp";
import { KafkaBroker, kafkaSource } from "tidelane/kafka";
import { JetStreamBroker, jetStreamSource } from "tidelane/nats";
import { testApp } from "tidelane/testing";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";

interface Order {
  customer: string;
  at: Date;
}
interface OrderInput {
  customer: string;
  at: string;
}
const Order = z.object({ customer: z.string(), at: z.string().transform((at) => new Date(at)) });

const orders = channel("orders", { schema: Order, key: ({ customer }) => customer });
const tenants = channel("orders.{tenant}.{kind}", { codec: text });
const traced = channel("traced", { codec: text, headers: z.object({ "trace-id": z.string() }) });
const quotes = rpc("quotes", { request: z.string(), reply: z.object({ price: z.coerce.number() }) });
const end = (): void => undefined;

declare const publish: Publish;
const memory = new MemoryBroker();
const app = createApp({ name: "shop", broker: memory });

describe("a channel", () => {
  it("has the types of its schema, or of its codec", () => {
    expectTypeOf(orders).toEqualTypeOf<Channel<"orders", Order, OrderInput, undefined>>();
    expectTypeOf(channel("a")).toEqualTypeOf<Channel<"a", unknown, unknown, undefined>>();
    expectTypeOf(channel("a", { codec: bytes })).toEqualTypeOf<
      Channel<"a", Uint8Array, Uint8Array, undefined>
    >();
    // @ts-expect-error: a key is a string
    channel("a", { schema: Order, key: (order) => order.at });
    // @ts-expect-error: no such option
    channel("a", { shcema: Order });
  });
});

describe("a handler of batches", () => {
  it("gets lists, and returns one outcome or one for each", () => {
    app.subscribe(orders, { batch: batches({ max: 3 }) }, (values, { deliveries, state }) => {
      expectTypeOf(values).toEqualTypeOf<readonly Order[]>();
      expectTypeOf(deliveries[0]?.headers).toEqualTypeOf<MessageHeaders | undefined>();
      expectTypeOf(state).toEqualTypeOf<undefined>();
      return values.map(() => ack());
    });
    app.subscribe(orders, { batch: batches({ max: 3 }) }, async () => undefined);
    app.subscribe(orders, { batch: batches({ max: 3 }), onFailure: { deadLetter: "dead" } }, () => [
      deadLetter("no"),
    ]);
    // @ts-expect-error: no place for dead letters
    app.subscribe(orders, { batch: batches({ max: 3 }) }, () => [deadLetter("no")]);
    // @ts-expect-error: the values are a list
    app.subscribe(orders, { batch: batches({ max: 3 }) }, (order) => void order.customer);
    // @ts-expect-error: without batches() the value is no list
    app.subscribe(orders, { workers: 2 }, (order) => void order.length);
    // @ts-expect-error: the numbers alone are no batch
    app.subscribe(orders, { batch: { max: 3 } }, (values: readonly Order[]) => void values);
    // @ts-expect-error: no such option
    batches({ max: 3, maxWait: 3 });
  });
});

describe("publish", () => {
  it("takes the input of the schema", () => {
    void publish(orders, { customer: "ann", at: "2026-11-28" });
    // @ts-expect-error: the output is not the input
    void publish(orders, { customer: "ann", at: new Date() });
    // @ts-expect-error: a field is missing
    void publish(orders, { customer: "ann" });
    // @ts-expect-error: no such option
    void publish(orders, { customer: "ann", at: "" }, { keey: "a" });
    // @ts-expect-error: the app has one broker, which has no name
    void publish(orders, { customer: "ann", at: "" }, { on: "memory" });
  });

  it("needs exactly the parameters of the topic", () => {
    void publish(tenants, "tea", { params: { tenant: "acme", kind: "new" } });
    // @ts-expect-error: without parameters
    void publish(tenants, "tea");
    // @ts-expect-error: one is missing
    void publish(tenants, "tea", { params: { tenant: "acme" } });
    // @ts-expect-error: one is misspelt
    void publish(tenants, "tea", { params: { tenant: "acme", knid: "new" } });
    // @ts-expect-error: the topic has none
    void publish(orders, { customer: "ann", at: "" }, { params: { tenant: "acme" } });
  });

  it("needs the headers that the schema needs", () => {
    void publish(traced, "tea", { headers: { "trace-id": "1" } });
    // @ts-expect-error: without headers
    void publish(traced, "tea");
    // @ts-expect-error: another header
    void publish(traced, "tea", { headers: { "trace-di": "1" } });
    void publish(orders, { customer: "ann", at: "" }, { headers: { any: "1" } });
  });
});

describe("a handler", () => {
  it("gets the output of the schema and a context of its channel", () => {
    app.subscribe(orders, (order, context) => {
      expectTypeOf(order).toEqualTypeOf<Order>();
      expectTypeOf(context.params).toEqualTypeOf<Readonly<Record<never, string>>>();
      expectTypeOf(context.headers).toEqualTypeOf<MessageHeaders>();
      expectTypeOf(context.message).toEqualTypeOf<Message>();
      expectTypeOf(context.state).toEqualTypeOf<undefined>();
    });
    app.subscribe(tenants, { workers: 2 }, (_value, { params }) => {
      expectTypeOf(params).toEqualTypeOf<{ readonly tenant: string; readonly kind: string }>();
    });
    app.subscribe(traced, (_value, { headers }) => {
      expectTypeOf(headers).toEqualTypeOf<{ "trace-id": string }>();
    });
    app.subscribe(orders, { source: memorySource("orders") }, (_order, { message }) => {
      expectTypeOf(message).toEqualTypeOf<MemoryMessage>();
    });
  });

  it("returns an outcome or nothing, and a dead letter only where it has a place", () => {
    app.subscribe(orders, () => ack());
    // @ts-expect-error: no outcome
    app.subscribe(orders, () => 3);
    // @ts-expect-error: no place for dead letters
    app.subscribe(orders, () => deadLetter("no"));
    // @ts-expect-error: "drop" is none
    app.subscribe(orders, { onFailure: { maxAttempts: 3, deadLetter: "drop" } }, () => deadLetter("no"));
    app.subscribe(orders, { onFailure: { deadLetter: "dead" } }, () => deadLetter("no"));
    app
      .router({ onFailure: { deadLetter: "dead" } })
      .subscribe(orders, { workers: 2 }, () => deadLetter("no"));
  });

  it("has options that the compiler knows", () => {
    // @ts-expect-error: no such option
    app.subscribe(orders, { workres: 2 }, end);
    // @ts-expect-error: no number
    app.subscribe(orders, { workers: "2" }, end);
    // @ts-expect-error: the only broker has no name
    app.subscribe(orders, { on: "memory" }, end);
    // @ts-expect-error: another broker's source
    app.subscribe(orders, { source: kafkaSource("orders") }, end);
    const rabbit = createApp({ name: "shop", broker: new AmqpBroker() });
    rabbit.subscribe(orders, { workers: 2 }, end);
    // @ts-expect-error: consumers of a queue share it, and have no groups
    rabbit.subscribe(orders, { group: "billing" }, end);
  });
});

describe("an app", () => {
  it("of one broker knows its connection and its state", () => {
    expectTypeOf(app).toEqualTypeOf<App<MemoryBroker, undefined, false>>();
    expectTypeOf(app.connection()).toEqualTypeOf<MemoryConnection>();
    app.mount((connection) => {
      expectTypeOf(connection).toEqualTypeOf<MemoryConnection>();
      throw new Error("never");
    });
    const stateful = createApp({
      name: "shop",
      broker: memory,
      onStart: async () => ({ rate: 2 }),
      onReady: ({ state }) => {
        expectTypeOf(state).toEqualTypeOf<{ rate: number }>();
      },
      onStop: ({ state }) => {
        expectTypeOf(state).toEqualTypeOf<{ rate: number }>();
      },
    });
    stateful.subscribe(
      orders,
      (_order, { state }) => expectTypeOf(state).toEqualTypeOf<{ rate: number }>() as never,
    );
    // @ts-expect-error: another state
    void testApp(stateful, { state: { rate: "2" } });
  });

  it("of several takes their names, and the sources of each", () => {
    const brokers = { events: new JetStreamBroker(), log: new KafkaBroker({ brokers: "localhost:9092" }) };
    const bridge = createApp({ name: "bridge", brokers });
    bridge.subscribe(orders, { on: "events", group: "a" }, async (_order, { publish }) => {
      await publish(orders, { customer: "ann", at: "" }, { on: "log" });
      // @ts-expect-error: no such broker
      await publish(orders, { customer: "ann", at: "" }, { on: "lgo" });
    });
    bridge.subscribe(orders, { on: "log", source: kafkaSource("orders") }, end);
    // @ts-expect-error: the source of another broker
    bridge.subscribe(orders, { on: "log", source: jetStreamSource("orders") }, end);
    // @ts-expect-error: no such broker
    bridge.subscribe(orders, { on: "lgo" }, end);
    // @ts-expect-error: which of the two
    bridge.subscribe(orders, { workers: 2 }, end);
    // @ts-expect-error: which of the two
    bridge.publisher(orders);
    bridge.publisher(orders, { on: "log" });
  });
});

describe("requests", () => {
  it("take the input of the request and give the output of the reply", () => {
    app.respond(quotes, (request) => {
      expectTypeOf(request).toEqualTypeOf<string>();
      return { price: "3" };
    });
    expectTypeOf(app.request(quotes, "tea")).toEqualTypeOf<Promise<{ price: number }>>();
    // @ts-expect-error: the request is a string
    void app.request(quotes, 3);
    // @ts-expect-error: the reply has no price
    app.respond(quotes, () => ({ prize: 3 }));
    // @ts-expect-error: no rpc
    void app.request(orders, "tea");
  });
});

describe("a test", () => {
  it("has the values of the channels", async () => {
    const test = await testApp(app);
    expectTypeOf(test.published(orders)).toEqualTypeOf<Order[]>();
    expectTypeOf(test.request(quotes, "tea")).toEqualTypeOf<Promise<{ price: number }>>();
    // @ts-expect-error: the channel carries orders
    test.expectPublished(orders, ["tea"]);
  });
});
