import { byKey, isTidelaneError, MemoryBroker, type MemoryMessage, pipeline, TimeoutError } from "tidelane";
import * as conformance from "tidelane/conformance";
import * as sources from "tidelane/sources";
import * as testing from "tidelane/testing";

// A program as a user writes it, compiled and run against the packed package.
await using connection = await new MemoryBroker().connect();
await using orders = await connection.subscribe("orders");
for (const key of ["a", "b", "a"]) {
  await connection.publisher().publish({ topic: "orders", payload: '{"ok":true}', key });
}

let handled = 0;
let third: () => void;
const allHandled = new Promise<void>((resolve) => {
  third = resolve;
});
const run = pipeline(orders)
  .workers(2, byKey)
  .handle((message: MemoryMessage) => {
    if (message.json() !== null && ++handled === 3) third();
  });
await allHandled;
const { left } = await run.drain();

const entries: object[] = [conformance, sources, testing];
if (entries.some((entry) => Object.keys(entry).length === 0)) throw new Error("An entry point is empty.");
if (!isTidelaneError(new TimeoutError({ what: "A test", timeoutMs: 1 }))) throw new Error("No brand.");
console.log(`orders: ${handled} handled, ${left.length} left`);
