import { byKey, retryAfter } from "tidelane";
import { expect, it } from "vitest";
import { Stage } from "./stage.ts";

it("a retry in place runs before everything that came later with its key", async () => {
  const stage = new Stage();
  stage.deliver("a:1 a:2 b:1 a:3 b:2");
  stage.subscriber.end();
  const run = stage.pipeline.workers(4, byKey).handle(async (message, { attempt }) => {
    stage.note(message.text());
    if (message.text() === "a:1" && attempt < 3) throw new Error("not yet");
  });
  await stage.clock.advance(1_000);
  await run.done;
  expect(stage.log).toEqual(["a:1 @0", "b:1 @0", "b:2 @0", "a:1 @100", "a:1 @300", "a:2 @300", "a:3 @300"]);
});

it("a key that waits for its retry takes no worker from the others", async () => {
  const stage = new Stage();
  stage.deliver("slow:1 a:1 b:1 a:2");
  const run = stage.pipeline.workers(1, byKey).handle((message, { attempt }) => {
    stage.note(message.text());
    return message.text() === "slow:1" && attempt === 1 ? retryAfter(5_000) : undefined;
  });
  await stage.clock.flush();
  expect(stage.log).toEqual(["slow:1 @0", "a:1 @0", "b:1 @0", "a:2 @0"]);
  expect(run.stats).toMatchObject({ handled: 3, inFlight: 1, waiting: 1, running: 0, retries: 1 });
  await stage.clock.advance(4_999);
  expect(stage.log).toHaveLength(4);
  await stage.clock.advance(1);
  expect(stage.log.at(-1)).toBe("slow:1 @5000");
  await run.stop();
});

it("the default, one at a time, keeps the order of everything across retries", async () => {
  const stage = new Stage();
  stage.deliver("1 2 3");
  stage.subscriber.end();
  const run = stage.pipeline.handle((message, { attempt }) => {
    stage.note(message.text());
    if (message.text() === "1" && attempt === 1) throw new Error("not yet");
  });
  await stage.clock.advance(200);
  await run.done;
  expect(stage.log).toEqual(["1 @0", "1 @100", "2 @100", "3 @100"]);
});

it("a delivery that waits for its retry is kept alive, and so are those behind it", async () => {
  const stage = new Stage({ ackDeadlineMs: 3_000 });
  const [first, second] = stage.deliver("a:1 a:2");
  const run = stage.pipeline.workers(2, byKey).handle((message, { attempt }) => {
    return message === first && attempt === 1 ? retryAfter(10_000) : undefined;
  });
  await stage.clock.advance(9_999);
  expect([first?.keepAlives, second?.keepAlives]).toEqual([9, 9]);
  await stage.clock.advance(1);
  expect([first?.settled, second?.settled]).toEqual([true, true]);
  await stage.clock.advance(10_000);
  expect(first?.keepAlives).toBe(9);
  await run.stop();
  expect(stage.clock.timers).toBe(0);
});
