import { channel, createApp, MemoryBroker, rpc } from "tidelane";
import { expect, it } from "vitest";
import { z } from "zod";

const Order = z.object({ customer: z.string(), total: z.number() });
const Invoice = z.object({ customer: z.string(), amount: z.number() });
const orders = channel("orders", { schema: Order, key: (order) => order.customer });
const invoices = channel("invoices", { schema: Invoice, key: (i) => i.customer });
const quotes = rpc("quotes", {
  request: z.object({ item: z.string() }),
  reply: z.object({ price: z.number() }),
});
it("works", async () => {
  const app = createApp({ name: "billing", version: "1.2.0", broker: new MemoryBroker() });
  const got: unknown[] = [];
  app.subscribe(
    orders,
    { group: "billing", workers: 8, onFailure: { maxAttempts: 5, deadLetter: "orders.dead" } },
    async (order, { publish, signal }) => {
      expect(signal.aborted).toBe(false);
      await publish(invoices, { customer: order.customer, amount: order.total });
    },
  );
  app.subscribe(invoices, (invoice, { key, headers }) => {
    got.push(invoice, key, headers.get("content-type"));
  });
  app.respond(quotes, async (request) => ({ price: request.item.length }));
  await app.start();
  await app.publisher(orders).publish({ customer: "ann", total: 3 });
  expect(await app.request(quotes, { item: "tea" })).toEqual({ price: 3 });
  await app.drain();
  expect(got).toEqual([{ customer: "ann", amount: 3 }, "ann", "application/json"]);
  console.log(JSON.stringify(app.describe(), null, 1));
});

import { testApp } from "tidelane/testing";

it("tests", async () => {
  const app = createApp({ name: "billing", broker: new MemoryBroker() });
  app.subscribe(
    orders,
    { group: "billing", workers: 8, onFailure: { maxAttempts: 2, deadLetter: "orders.dead" } },
    async (order, { publish }) => {
      if (order.total < 0) throw new Error("negative");
      await publish(invoices, { customer: order.customer, amount: order.total });
    },
  );
  app.respond(quotes, async (request) => ({ price: request.item.length }));
  const t0 = performance.now();
  {
    await using test = await testApp(app);
    await test.publish(orders, { customer: "ann", total: 3 });
    expect(test.published(invoices)).toEqual([{ customer: "ann", amount: 3 }]);
    await test.publish(orders, { customer: "bob", total: -3 });
    expect(test.retried(orders)).toMatchObject([{ attempt: 1, delayMs: 100 }]);
    await test.advance(100);
    expect(test.deadLettered(orders)).toMatchObject([
      { value: { customer: "bob" }, attempts: 2, topic: "orders.dead" },
    ]);
    expect(await test.request(quotes, { item: "tea" })).toEqual({ price: 3 });
    console.log(test.story(), test.deadLettered(orders));
  }
  console.log(performance.now() - t0);
});
