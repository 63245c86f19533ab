import { ack, batches, channel, createApp, MemoryBroker, type OutgoingMessage, rpc, text } from "tidelane";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const orders = channel("orders", { codec: text });
const bills = channel("bills", { schema: z.object({ amount: z.number() }) });
const make = () => createApp({ name: "shop", broker: new MemoryBroker() });
const correlated = { headers: { "correlation-id": "7" } };

describe("a reply", () => {
  it("is published with the correlation id, and confirmed before the ack", async () => {
    const app = make();
    const log: string[] = [];
    app.subscribe(
      orders,
      {
        publishMiddleware: [
          async (_outgoing, next) => {
            await next();
            log.push("confirmed");
          },
        ],
      },
      async (order, { reply, afterSettle }) => {
        afterSettle((settlement) => void log.push(settlement));
        return reply(bills, { amount: order.length }, { headers: { "x-by": "shop" } });
      },
    );
    await using test = await testApp(app);
    await test.publish(orders, "tea", correlated);
    expect(test.publishedMessages(bills)).toMatchObject([
      { value: { amount: 3 }, headers: { "correlation-id": "7", "x-by": "shop" } },
    ]);
    expect(log).toEqual(["confirmed", "ack"]);
  });

  it("is what the handler returns, where replyTo names a channel; nothing is no reply", async () => {
    const app = make();
    app.subscribe(orders, { replyTo: bills }, async (order) =>
      order === "" ? undefined : { amount: order.length },
    );
    await using test = await testApp(app);
    await test.publish(orders, "tea", correlated);
    await test.publish(orders, "");
    expect(test.publishedMessages(bills)).toMatchObject([
      { value: { amount: 3 }, headers: { "correlation-id": "7" } },
    ]);
    expect(test.settled(orders).map(({ outcome }) => outcome)).toEqual(["ack", "ack"]);
  });

  it.each(["reply", "replyTo"])(
    "that cannot be published now fails the delivery, which is retried: %s",
    async (way) => {
      const app = make();
      let refused = 1;
      const publishMiddleware = [
        async (_outgoing: unknown, next: (changed?: OutgoingMessage) => Promise<void>) => {
          if (refused-- > 0) throw new Error("broker away");
          await next();
        },
      ];
      const onFailure = { backoff: { initialMs: 10 } };
      if (way === "reply") {
        app.subscribe(orders, { publishMiddleware, onFailure }, (_order, { reply }) =>
          reply(bills, { amount: 1 }),
        );
      } else app.subscribe(orders, { publishMiddleware, onFailure, replyTo: bills }, () => ({ amount: 1 }));
      await using test = await testApp(app);
      await test.publish(orders, "tea");
      expect(test.retried(orders)).toMatchObject([{ attempt: 1, error: new Error("broker away") }]);
      expect(test.published(bills)).toEqual([]);
      await test.advance(10);
      expect(test.published(bills)).toEqual([{ amount: 1 }]);
      expect(test.settled(orders)).toMatchObject([{ outcome: "ack", attempts: 2 }]);
    },
  );

  it("that does not fit its channel is a failure with every issue", async () => {
    const app = make();
    app.subscribe(orders, { replyTo: bills }, () => ({ amount: "much" }) as never);
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(test.story()).toContain('The message for "bills" was not sent: the value does not fit the schema');
  });

  it("is seen as an ack by middleware", async () => {
    const kinds: string[] = [];
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      middleware: [
        async (_context, next) => {
          const outcome = await next();
          kinds.push(outcome.kind);
          return outcome;
        },
      ],
    });
    app.subscribe(orders, { replyTo: bills }, () => ({ amount: 1 }));
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(kinds).toEqual(["ack"]);
    expect(ack().kind).toBe("ack");
  });
});

describe("replyTo refuses", () => {
  const untyped = (): { subscribe(...given: unknown[]): void } => make() as never;
  const end = (): void => undefined;
  const quotes = rpc("quotes", { request: z.string(), reply: z.string() });
  it.each<[string, object, string]>([
    [
      "a topic",
      { replyTo: "bills" },
      'app.subscribe("orders"): replyTo must be a channel, as channel(topic, options)',
    ],
    ["an rpc", { replyTo: quotes }, "replyTo must be a channel, and this is an rpc"],
    [
      "a channel with parameters",
      { replyTo: channel("bills.{tenant}") },
      'replyTo must be a channel without parameters; received "bills.{tenant}".',
    ],
    [
      "batches beside it",
      { replyTo: bills, batch: batches({ max: 2 }) },
      "replyTo must be left out beside batch",
    ],
  ])("%s", (_name, options, sentence) => {
    expect(() => untyped().subscribe(orders, options, end)).toThrow(sentence);
  });
});
