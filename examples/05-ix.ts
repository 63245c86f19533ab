// A subscriber is an async iterable, so the operators of ix work on it.
// Import each one by itself, because the whole of ix is slow to load.
import { from } from "ix/asynciterable/asynciterablex";
import { filter } from "ix/asynciterable/operators/filter";
import { take } from "ix/asynciterable/operators/take";
import { MemoryBroker } from "tidelane";

const connection = await new MemoryBroker().connect();
const readings = await connection.subscribe("readings");
const publisher = connection.publisher();
for (const celsius of [19, 31, 18, 35, 40]) {
  await publisher.publish({ topic: "readings", payload: String(celsius) });
}

const hot = from(readings).pipe(
  filter(async (message) => {
    const isHot = Number(message.text()) > 30;
    if (!isHot) await message.ack();
    return isHot;
  }),
  take(2),
);
for await (const message of hot) {
  console.log(`${message.text()} is hot`);
  await message.ack();
}

// Only what was needed was pulled: the fifth reading is still there.
for await (const message of readings) {
  console.log(`${message.text()} comes to the next loop`);
  await message.ack();
  break;
}
await connection.close();

/* prints:
31 is hot
35 is hot
40 comes to the next loop
*/
