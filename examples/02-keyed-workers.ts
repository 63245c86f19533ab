// Eight workers, one key strictly in order: the slow customer does not hold up the others.
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
    // As slow as can be: its first step takes until the other customer is through.
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
