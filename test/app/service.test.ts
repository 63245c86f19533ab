import { channel, createApp, rpc } from "tidelane";
import { JetStreamBroker } from "tidelane/nats";
import { testApp } from "tidelane/testing";
import { expect, it } from "vitest";
import { z } from "zod";

const Order = z.object({ customer: z.string(), total: z.number() });
const Invoice = z.object({ customer: z.string(), amount: z.number() });
const QuoteRequest = z.object({ item: z.string() });
const Quote = z.object({ price: z.number() });
const servers = "nats://127.0.0.1:4222";

type Order = z.infer<typeof Order>;
const bill = async (order: Order, signal: AbortSignal): Promise<z.infer<typeof Invoice>> => {
  signal.throwIfAborted();
  return { customer: order.customer, amount: order.total };
};
const priceOf = async (request: z.infer<typeof QuoteRequest>): Promise<number> => request.item.length;

const orders = channel("orders", { schema: Order, key: (order) => order.customer });
const invoices = channel("invoices", { schema: Invoice, key: (invoice) => invoice.customer });
const quotes = rpc("quotes", { request: QuoteRequest, reply: Quote });

const app = createApp({ name: "billing", version: "1.2.0", broker: new JetStreamBroker({ servers }) });

app.subscribe(
  orders,
  { group: "billing", workers: 8, onFailure: { maxAttempts: 5, deadLetter: "orders.dead" } },
  async (order, { publish, signal }) => {
    await publish(invoices, await bill(order, signal));
  },
);
app.respond(quotes, async (request) => ({ price: await priceOf(request) }));

it("the service, tested without its server", async () => {
  await using test = await testApp(app);
  await test.publish(orders, { customer: "ann", total: 3 });
  expect(test.published(invoices)).toEqual([{ customer: "ann", amount: 3 }]);
});

it("again, as often as wanted, each from the start, and in less than 50 ms", async () => {
  const times: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    const before = performance.now();
    await using test = await testApp(app);
    await test.publish(orders, { customer: "ann", total: 3 });
    expect(test.published(invoices)).toEqual([{ customer: "ann", amount: 3 }]);
    expect(await test.request(quotes, { item: "tea" })).toEqual({ price: 3 });
    await test.close();
    times.push(performance.now() - before);
  }
  expect(Math.min(...times)).toBeLessThan(50);
});

it("what it promises on its broker is known before it starts", () => {
  expect(app.describe()).toMatchObject({
    name: "billing",
    version: "1.2.0",
    brokers: ["jetstream"],
    subscriptions: [
      {
        topic: "orders",
        broker: "jetstream",
        group: "billing",
        workers: 8,
        responds: false,
        onFailure:
          'It runs again here after 100 ms, and longer each time up to 30000 ms; after attempt 5 it is published to "orders.dead", then acked.',
        onCrash:
          "What was not acked is delivered again, at the latest 30000 ms later: a handler may see a message twice.",
        onUndecodable: 'The message is published to "orders.dead", then acked, at once, with an error event.',
        order:
          "Messages of one key are handled one after another, as they were published; a retry keeps their order, and one that the broker takes back may come after them.",
      },
      { topic: "quotes", group: "billing", responds: true, onFailure: expect.stringContaining("requester") },
    ],
  });
});
