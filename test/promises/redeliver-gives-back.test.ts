import { byKey, InvalidArgumentError, retry, retryAfter } from "tidelane";
import { describe, expect, it } from "vitest";
import { Stage } from "./stage.ts";

describe('the mode "redeliver"', () => {
  it("gives a failure back with the backoff of its attempt, and holds neither slot nor lane", async () => {
    const stage = new Stage();
    const failing = stage.message("k:1", { deliveryCount: 3 });
    stage.subscriber.deliver(failing, stage.message("k:2")).end();
    const run = stage.pipeline
      .workers(2, byKey)
      .onFailure({ mode: "redeliver" })
      .handle((message) => {
        stage.note(message.text());
        if (message === failing) throw new Error("x");
      });
    expect(await run.done).toMatchObject({ redelivered: 1, handled: 1, retries: 0, failures: 1 });
    expect(failing.settlements).toMatchObject([{ settle: "nackAfter", delayMs: 400 }]);
    expect(stage.log).toEqual(["k:1 @0", "k:2 @0"]);
  });

  it("gives a retry back after the delay asked for; without delay it is requeued", async () => {
    const stage = new Stage();
    const [later, now, soon] = stage.deliver("later now soon");
    stage.subscriber.end();
    const run = stage.pipeline.onFailure({ mode: "redeliver" }).handle((message) => {
      return message === later ? retryAfter(50) : message === now ? retryAfter(0) : retry();
    });
    await run.done;
    expect(later?.settlements).toMatchObject([{ settle: "nackAfter", delayMs: 50 }]);
    expect(now?.settlements).toMatchObject([{ settle: "nack", requeue: true }]);
    expect(soon?.settlements).toMatchObject([{ settle: "nackAfter", delayMs: 100 }]);
  });

  it("gives up by the count of the broker", async () => {
    const stage = new Stage();
    const messages = [1, 2, 3].map((deliveryCount) => stage.message("a", { deliveryCount }));
    stage.subscriber.deliver(...messages).end();
    const policy = { mode: "redeliver", maxAttempts: 3, deadLetter: "drop" } as const;
    const run = stage.pipeline.onFailure(policy).handle(() => retryAfter(1));
    expect(await run.done).toMatchObject({ redelivered: 2, dropped: 1 });
    expect(messages.map(({ settlements }) => settlements[0]?.settle)).toEqual([
      "nackAfter",
      "nackAfter",
      "nack",
    ]);
  });

  it("is refused where the source cannot requeue, before anything is pulled", () => {
    const stage = new Stage({ requeue: false });
    const steps = stage.pipeline.onFailure({ mode: "redeliver" });
    expect(() => steps.handle(() => undefined)).toThrow(InvalidArgumentError);
    expect(stage.subscriber.iterating).toBe(false);
  });
});
