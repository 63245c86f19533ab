// Payloads become checked values. Any Standard Schema works. A payload that does not decode never reaches the handler.
import { by, MemoryBroker, pipeline } from "tidelane";
import { z } from "zod";

const Order = z.object({ customer: z.string(), total: z.number().positive() });

const connection = await new MemoryBroker().connect();
const orders = await connection.subscribe("orders");
const publisher = connection.publisher();
for (const payload of [
  '{"customer":"ann","total":3}',
  '{"customer":7,"total":-1}',
  "tea",
  '{"customer":"bo","total":4}',
]) {
  await publisher.publish({ topic: "orders", payload });
}

const run = pipeline(orders, { onError: ({ error }) => console.log((error as Error).message) })
  .decode(Order)
  .workers(
    4,
    by((order) => order.customer),
  )
  .handle((order) => {
    console.log(`${order.customer}: ${order.total.toFixed(2)}`);
  });

await run.idle();
const { undecodable } = await run.drain();
console.log(`${undecodable} did not decode`);
await connection.close();

/* prints:
ann: 3.00
A payload from "orders" did not decode: the value does not fit the schema (customer: Invalid input: expected string, received number; total: Too small: expected number to be >0).
A payload from "orders" did not decode: the payload is not JSON: Unexpected token 'e', "tea" is not valid JSON.
bo: 4.00
2 did not decode
*/
