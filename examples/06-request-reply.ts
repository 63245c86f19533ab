// A request and its reply, on any broker that has them.
import { headerNames, MemoryBroker, pipeline } from "tidelane";

const connection = await new MemoryBroker().connect();
const squares = await connection.subscribe("square");
const publisher = connection.publisher();

const run = pipeline(squares)
  .workers(4)
  .handle(async (message) => {
    const replyTo = message.headers.get(headerNames.replyTo);
    if (replyTo === undefined) return;
    await publisher.publish({ topic: replyTo, payload: String(Number(message.text()) ** 2) });
  });

const replies = await Promise.all(
  ["2", "3", "4"].map((payload) => publisher.request({ topic: "square", payload }, { timeoutMs: 1_000 })),
);
console.log(replies.map((reply) => reply.text()).join(" "));

await run.drain();
await connection.close();

/* prints:
4 9 16
*/
