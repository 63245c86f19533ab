// A service: typed channels and two handlers. A signal drains it.
import { channel, createApp, MemoryBroker, text } from "tidelane";

const orders = channel("orders", { codec: text, key: () => "all" });
const invoices = channel("invoices", { codec: text });

const app = createApp({ name: "billing", broker: new MemoryBroker() });

app.subscribe(orders, { workers: 8 }, async (order, { publish }) => {
  await publish(invoices, `invoice for ${order}`);
});

app.subscribe(invoices, (invoice) => {
  console.log(invoice);
  process.kill(process.pid, "SIGTERM");
});

const over = app.run();
while (app.health.state !== "running") await new Promise((resolve) => setImmediate(resolve));
await app.publisher(orders).publish("tea");

const { signal, runs } = await over;
console.log(`${signal}: ${runs.map(({ endedBy, handled }) => `${endedBy} after ${handled}`).join(", ")}`);

/* prints:
invoice for tea
SIGTERM: drain after 1, drain after 1
*/
