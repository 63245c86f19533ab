// Eight workers, each key strictly in order: a slow customer does not delay the others.
import { byKey, MemoryBroker, pipeline } from "tidelane";

const connection = await new MemoryBroker().connect();
const orders = await connection.subscribe("orders");
const publisher = connection.publisher();

for (const step of ["open", "pay", "ship"]) {
  for (const key of ["slow", "quick"]) await publisher.publish({ topic: "orders", payload: step, key });
}

let quickIsDone = (): void => {};
const quick = new Promise<void>((resolve) => {
  quickIsDone = resolve;
});

const run = pipeline(orders)
  .workers(8, byKey)
  .handle(async (message, { key }) => {
    // As slow as possible: this step waits until the other customer is done.
    if (key === "slow") await quick;
    console.log(`${key}: ${message.text()}`);
    if (key === "quick" && message.text() === "ship") quickIsDone();
    if (run.stats.handled === 5) void run.drain();
  });

const report = await run.done;
console.log(`${report.handled} handled, ${report.peakInFlight} in flight at most`);
await connection.close();

/* prints:
quick: open
quick: pay
quick: ship
slow: open
slow: pay
slow: ship
6 handled, 6 in flight at most
*/
