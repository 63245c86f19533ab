import { SubscriptionFailedError } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

const failed = new SubscriptionFailedError({ topic: "orders", reason: "the queue was deleted" });

describe("a stream that ends by itself", () => {
  it("ends the run when what is in flight has left, and closes the subscriber", async () => {
    const stage = new Stage();
    const gate = new Gate();
    stage.deliver("a b");
    stage.subscriber.end();
    const run = stage.pipeline.handle(() => gate.opened);
    await stage.clock.flush();
    expect(stage.subscriber.closed).toBe(false);
    gate.open();
    expect(await run.done).toMatchObject({
      endedBy: "end",
      pulled: 2,
      handled: 2,
      left: [],
      peakInFlight: 1,
    });
    expect([stage.subscriber.closed, stage.clock.timers]).toEqual([true, 0]);
  });
});

describe("a stream that fails", () => {
  it("rejects done once, with that very error, after what is in flight has left", async () => {
    const stage = new Stage();
    const gate = new Gate();
    const [message] = stage.deliver("a");
    stage.subscriber.fail(failed);
    const run = stage.pipeline.workers(2).handle(() => gate.opened);
    let over: unknown;
    void run.done.catch((error: unknown) => {
      over = error;
    });
    await stage.clock.flush();
    expect(over).toBeUndefined();
    expect(stage.errors).toEqual([failed]);
    gate.open();
    await stage.clock.flush();
    expect(over).toBe(failed);
    expect([message?.settled, stage.subscriber.closed]).toEqual([true, true]);
    await expect(run.stop()).rejects.toBe(failed);
    await expect(run.drain()).rejects.toBe(failed);
    expect(stage.errors).toEqual([failed]);
  });

  it("that nobody awaits was reported, and ends no process", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const stage = new Stage();
    stage.subscriber.fail(failed);
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.flush();
    void run.stop();
    void run.drain();
    await stage.clock.flush();
    process.off("unhandledRejection", note);
    expect(stage.subscriber.closed).toBe(true);
    expect([unhandled, stage.errors]).toEqual([[], [failed]]);
  });
});

describe("a subscriber whose close", () => {
  it("hangs is given up after five seconds, with a report", async () => {
    const stage = new Stage();
    stage.deliver("a");
    stage.subscriber.end();
    stage.subscriber.close = () => new Promise(() => undefined);
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.advance(4_999);
    expect(stage.errors).toEqual([]);
    await stage.clock.advance(1);
    expect(await run.done).toMatchObject({ endedBy: "end", handled: 1 });
    expect(stage.errors).toMatchObject([{ code: "TIDELANE_TIMEOUT", timeoutMs: 5_000 }]);
    expect(String(stage.errors[0])).toContain('Closing the subscriber of "orders"');
    expect(stage.clock.timers).toBe(0);
  });

  it.each(["throws", "rejects"])("%s is reported, and the run is over all the same", async (how) => {
    const stage = new Stage();
    const broken = new Error("socket");
    stage.subscriber.end();
    stage.subscriber.close = () => {
      if (how === "throws") throw broken;
      return Promise.reject(broken);
    };
    const run = stage.pipeline.handle(() => undefined);
    expect(await run.done).toMatchObject({ endedBy: "end" });
    expect([stage.errors, stage.clock.timers]).toEqual([[broken], 0]);
  });
});

describe("an iterator whose return", () => {
  it("rejects is reported, and the stop goes on", async () => {
    const stage = new Stage();
    const broken = new Error("socket");
    const original = stage.subscriber[Symbol.asyncIterator].bind(stage.subscriber);
    stage.subscriber[Symbol.asyncIterator] = () => {
      const iterator = original();
      iterator.return = () => Promise.reject(broken);
      return iterator;
    };
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.flush();
    expect(await run.stop()).toMatchObject({ endedBy: "stop" });
    expect([stage.errors, stage.subscriber.closed]).toEqual([[broken], true]);
  });
});
