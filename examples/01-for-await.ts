// The smallest whole program: publish, subscribe, settle.
import { MemoryBroker } from "tidelane";

const connection = await new MemoryBroker().connect();
const orders = await connection.subscribe("orders");
const publisher = connection.publisher();

for (const item of ["tea", "rice", "salt"]) {
  await publisher.publish({ topic: "orders", payload: JSON.stringify({ item }) });
}

let left = 3;
for await (const message of orders) {
  console.log(message.topic, message.json());
  await message.ack();
  left -= 1;
  if (left === 0) break;
}

await connection.close();

/* prints:
orders { item: 'tea' }
orders { item: 'rice' }
orders { item: 'salt' }
*/
