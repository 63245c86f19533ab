import { channel, createApp, dispatch, drop, MemoryBroker, union, unionByHeader } from "tidelane";
import { cbor } from "tidelane/cbor";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const Placed = z.object({ type: z.literal("placed"), customer: z.string() });
const Paid = z.object({ type: z.literal("paid"), amount: z.number() });
const Late = z.object({ days: z.number() }).transform(async ({ days }) => ({ hours: days * 24 }));
const events = channel("events", { schema: union("type", { placed: Placed, paid: Paid }) });
const tagged = channel(
  "tagged",
  unionByHeader("event-type", { paid: Paid.omit({ type: true }), late: Late }),
);
const make = () => createApp({ name: "shop", broker: new MemoryBroker(), onFailure: { deadLetter: "dead" } });

describe("a union by a field", () => {
  it("gives handlers the right type, and refuses what is none on publish", async () => {
    const app = make();
    const got: unknown[] = [];
    app.subscribe(events, (event) => {
      got.push(event.type === "placed" ? event.customer : event.amount);
    });
    await using test = await testApp(app);
    await test.publish(events, { type: "placed", customer: "ann" });
    await test.publish(events, { type: "paid", amount: 3 });
    expect(got).toEqual(["ann", 3]);
    await expect(test.publish(events, { type: "paid" } as never)).rejects.toThrow("(amount: ");
    await expect(test.publish(events, { type: "lost" } as never)).rejects.toThrow(
      '(type: must be "placed" or "paid"; received "lost")',
    );
    await expect(test.publish(events, { type: "constructor" } as never)).rejects.toThrow(
      'received "constructor"',
    );
    await expect(test.publish(events, null as never)).rejects.toThrow("received undefined");
  });

  it("sets aside a message of an unknown type as one that does not decode", async () => {
    const app = make();
    app.subscribe(events, () => undefined);
    await app.start();
    const dead = await app.connection().subscribe("dead");
    const publisher = app.connection().publisher();
    await publisher.publish({ topic: "events", payload: '{ "type": "shipped" }' });
    const { value: letter } = await dead[Symbol.asyncIterator]().next();
    expect(letter?.headers.get("x-tidelane-dead-letter-reason")).toContain(
      'type: must be "placed" or "paid"; received "shipped"',
    );
    await app.stop();
  });
});

describe("a union by a header", () => {
  it("writes the header on publish, sends the value alone, and gives both to handlers", async () => {
    const app = make();
    const got: unknown[] = [];
    app.subscribe(tagged, (event, { message, headers }) => {
      got.push(event, message.text(), headers.get("event-type"));
    });
    await using test = await testApp(app);
    await test.publish(tagged, { type: "paid", value: { amount: 3 } });
    await test.publish(tagged, { type: "late", value: { days: 2 } });
    expect(got).toEqual([
      ...[{ type: "paid", value: { amount: 3 } }, '{"amount":3}', "paid"],
      ...[{ type: "late", value: { hours: 48 } }, '{"days":2}', "late"],
    ]);
    await expect(test.publish(tagged, { type: "lost", value: {} } as never)).rejects.toThrow(
      '(type: must be "paid" or "late"; received "lost")',
    );
    await expect(test.publish(tagged, { type: "paid", value: { amount: "3" } } as never)).rejects.toThrow(
      "amount: ",
    );
  });

  it("takes another codec, and a message without the header does not decode", async () => {
    const app = make();
    const binary = channel("binary", unionByHeader("event-type", { paid: Paid.omit({ type: true }) }, cbor));
    const failures: string[] = [];
    const got: unknown[] = [];
    app.subscribe(binary, { onError: ({ error }) => failures.push((error as Error).message) }, (event) => {
      got.push(event);
    });
    await app.start();
    await app.publisher(binary).publish({ type: "paid", value: { amount: 3 } });
    const payload = cbor.encode({ amount: 3 });
    await app.connection().publisher().publish({ topic: "binary", payload });
    await app.drain();
    expect(got).toEqual([{ type: "paid", value: { amount: 3 } }]);
    expect(failures).toEqual([expect.stringContaining('type: must be "paid"; received undefined')]);
  });
});

describe("dispatch", () => {
  it("gives a message to the first case that takes it, and the rest to the last", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker(), onStart: () => ({ limit: 10 }) });
    const log: string[] = [];
    app.subscribe(
      events,
      dispatch(app, events)
        .when(
          (event) => event.type === "placed",
          (event) => {
            log.push(`placed ${event.customer}`);
          },
        )
        .when(
          (event, { state }) => event.type === "paid" && event.amount > state.limit,
          async (_event, { publish }) => {
            await publish(tagged, { type: "paid", value: { amount: 0 } });
          },
        )
        .when(
          (_event, { headers }) => headers.has("x-test"),
          () => drop(),
        )
        .otherwise((event) => {
          log.push(`nobody took ${event.type}`);
        }),
    );
    await using test = await testApp(app);
    await test.publish(events, { type: "placed", customer: "ann" });
    await test.publish(events, { type: "paid", amount: 11 });
    await test.publish(events, { type: "paid", amount: 1 }, { headers: { "x-test": "1" } });
    await test.publish(events, { type: "paid", amount: 2 });
    expect(log).toEqual(["placed ann", "nobody took paid"]);
    expect(test.published(tagged)).toHaveLength(1);
    expect(test.settled(events).map(({ outcome }) => outcome)).toEqual(["ack", "ack", "drop", "ack"]);
  });

  it("without an end is no handler, and a test that throws fails the message", async () => {
    const app = make();
    const open = dispatch(app, events).when(
      () => true,
      () => undefined,
    );
    expect(() => app.subscribe(events, open as never)).toThrow(
      'app.subscribe("events"): handler must be a function',
    );
    app.subscribe(
      events,
      dispatch(app, events)
        .when(
          () => {
            throw new Error("no such field");
          },
          () => undefined,
        )
        .otherwise(() => undefined),
    );
    await using test = await testApp(app);
    await test.publish(events, { type: "paid", amount: 1 });
    expect(test.retried(events)).toMatchObject([{ error: new Error("no such field") }]);
  });
});

it.each<[string, () => unknown, string]>([
  ["no field", () => union("", { paid: Paid }), "union(by, members): by must be a non-empty string"],
  [
    "no members",
    () => union("type", {}),
    "union(by, members): members must be an object with at least one schema",
  ],
  [
    "a member without a schema",
    () => union("type", { paid: 3 as never }),
    "union(by, members): members.paid must be a Standard Schema",
  ],
  [
    "nothing",
    () => union("type", undefined as never),
    "members must be an object of schemas by the names of their types",
  ],
  [
    "no header",
    () => unionByHeader("", { paid: Paid }),
    "unionByHeader(header, members): header must be a non-empty",
  ],
  [
    "no codec",
    () => unionByHeader("h", { paid: Paid }, {} as never),
    "unionByHeader(header, members, codec): codec must be a codec",
  ],
  [
    "no app",
    () => dispatch(undefined as never, events),
    "dispatch(app, channel): app.subscribe must be a function",
  ],
  [
    "no channel",
    () => dispatch(make(), "events" as never),
    "dispatch(app, channel): channel must be a channel",
  ],
  [
    "no test",
    () => dispatch(make(), events).when(3 as never, () => undefined),
    "dispatch().when(test, handler): test must be a function",
  ],
  [
    "no handler",
    () => dispatch(make(), events).when(() => true, 3 as never),
    "dispatch().when(test, handler): handler must be a function",
  ],
  [
    "no end",
    () => dispatch(make(), events).otherwise(3 as never),
    "dispatch().otherwise(handler) must be a function",
  ],
])("a union or a dispatch cannot be made of %s", (_name, declare, sentence) => {
  expect(declare).toThrow(sentence);
});
