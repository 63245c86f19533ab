// Several pipelines with one life: started in order, drained by a signal, closed in reverse.
import { byKey, createApp, MemoryBroker, pipeline } from "tidelane";

const app = createApp();
const memory = app.broker(new MemoryBroker());

app.mount(memory, async (connection) => {
  const orders = await connection.subscribe("orders");
  const publisher = connection.publisher();
  return pipeline(orders)
    .workers(8, byKey)
    .handle(async (message) => {
      await publisher.publish({ topic: "invoices", payload: `invoice for ${message.text()}`, key: "all" });
    });
});

app.mount(memory, async (connection) => {
  const invoices = await connection.subscribe("invoices");
  return pipeline(invoices).handle((message) => {
    console.log(message.text());
    process.kill(process.pid, "SIGTERM");
  });
});

const over = app.run();
while (app.health.state !== "running") await new Promise((resolve) => setImmediate(resolve));
await memory.connection.publisher().publish({ topic: "orders", payload: "tea", key: "ann" });

const { signal, runs } = await over;
console.log(`${signal}: ${runs.map(({ endedBy, handled }) => `${endedBy} after ${handled}`).join(", ")}`);

/* prints:
invoice for tea
SIGTERM: drain after 1, drain after 1
*/
