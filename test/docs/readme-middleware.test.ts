import { readFileSync } from "node:fs";
import { json, type Middleware, pipeline } from "tidelane";
import { RecordingMessage, ScriptedSubscriber } from "tidelane/testing";
import { expect, it, vi } from "vitest";
import { root } from "../../scripts/entry-points.ts";

/** The middleware of the README that logs, as it stands there. It has no types in it, so that it runs as it is. */
function loggingMiddleware(): Middleware {
  const found = /^ *\.use\((async [\s\S]*?^ {2}\})\)$/m.exec(readFileSync(`${root}/README.md`, "utf8"));
  if (found?.[1] === undefined)
    throw new Error("README.md shows no middleware: .use(async (context, next) => …)");
  return new Function(`return ${found[1]}`)();
}

it("the README's middleware logs an order that failed, and leaves it a failure", async () => {
  const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
  const subscriber = new ScriptedSubscriber<RecordingMessage>({ topic: "orders" });
  subscriber.deliver(new RecordingMessage({ topic: "orders", payload: '{"customer":"ann"}' })).end();
  const failed = new Error("out of stock");
  const errors: unknown[] = [];
  const run = pipeline(subscriber, { onError: ({ error }) => void errors.push(error) })
    .decode(json)
    .use(loggingMiddleware())
    .onFailure({ maxAttempts: 1, deadLetter: "drop" })
    .handle(() => {
      throw failed;
    });
  expect(await run.done).toMatchObject({ dropped: 1 });
  const lines = log.mock.calls.map((line) => line.join(" "));
  log.mockRestore();
  expect(lines).toEqual([expect.stringMatching(/ann.*failure/)]);
  expect(errors).toEqual([failed]);
});
