// A request and its typed reply between two apps, and what the requester gets when the responder throws.
import { createApp, MemoryBroker, RemoteError, rpc } from "tidelane";
import { z } from "zod";

const squares = rpc("squares", { request: z.number(), reply: z.number() });
const broker = new MemoryBroker();

const calculator = createApp({ name: "calculator", broker, onError: () => undefined });
calculator.respond(squares, { workers: 4 }, (value) => {
  if (value < 0) throw Object.assign(new Error("only from 0"), { code: "OUT_OF_RANGE" });
  return value ** 2;
});
await calculator.start();

const asker = createApp({ name: "asker", broker });
await asker.start();
const replies = await Promise.all([2, 3, 4].map((value) => asker.request(squares, value)));
console.log(replies.join(" "));
try {
  await asker.request(squares, -1);
} catch (error) {
  if (error instanceof RemoteError) console.log(`${error.remoteCode}: ${error.reason}`);
}

await asker.drain();
await calculator.drain();

/* prints:
4 9 16
OUT_OF_RANGE: only from 0
*/
