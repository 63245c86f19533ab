import { AbortedError, byKey, drop, retryAfter, TimeoutError } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

describe("drain", () => {
  it("pulls no more, and finishes what runs, what waits in a lane and what holds for a retry", async () => {
    const stage = new Stage();
    const gate = new Gate();
    const all = stage.deliver("k:1 k:2 r:1 r:2 k:3");
    const run = stage.pipeline.workers(2, byKey, { maxInFlight: 4 }).handle(async (message, { attempt }) => {
      stage.note(message.text());
      if (message.text() === "k:1") await gate.opened;
      return message.text() === "r:1" && attempt === 1 ? retryAfter(500) : undefined;
    });
    await stage.clock.flush();
    const drained = run.drain();
    await stage.clock.advance(400);
    gate.open();
    await stage.clock.advance(200);
    const report = await drained;
    expect(stage.log).toEqual(["k:1 @0", "r:1 @0", "k:2 @400", "r:1 @500", "r:2 @500"]);
    expect(report).toMatchObject({ endedBy: "drain", pulled: 4, handled: 4, left: [], continuations: 0 });
    expect(all.map(({ settled }) => settled)).toEqual([true, true, true, true, false]);
    expect(stage.subscriber.closed).toBe(true);
    expect(stage.clock.timers).toBe(0);
  });

  it("is over at once with nothing in flight, and closes the subscriber", async () => {
    const stage = new Stage();
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.flush();
    expect(await run.drain()).toMatchObject({ endedBy: "drain", pulled: 0 });
    expect(stage.subscriber.closed).toBe(true);
  });

  it("handles what was handed out at the very moment it began", async () => {
    const stage = new Stage();
    const run = stage.pipeline.handle((message) => stage.note(message.text()));
    await stage.clock.flush();
    expect(stage.subscriber.waiting).toBe(1);
    const [message] = stage.deliver("a");
    const report = await run.drain();
    expect([stage.log, message?.settled]).toEqual([["a @0"], true]);
    expect(report).toMatchObject({ pulled: 1, handled: 1, left: [] });
  });

  it("does not hush up a subscription that failed at the very moment it began", async () => {
    const stage = new Stage();
    const broken = new Error("the queue was deleted");
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.flush();
    expect(stage.subscriber.waiting).toBe(1);
    stage.subscriber.fail(broken);
    await expect(run.drain()).rejects.toBe(broken);
    expect(stage.errors).toEqual([broken]);
    expect(stage.subscriber.closed).toBe(true);
  });

  it("at its deadline aborts what runs, names what it leaves, and gives that back", async () => {
    const stage = new Stage();
    const reasons: unknown[] = [];
    const messages = stage.deliver("k:1 k:2 r:1 d:1");
    const run = stage.pipeline.workers(2, byKey).handle((message, { signal }) => {
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      if (message.text() === "r:1") return retryAfter(60_000);
      return message.text() === "d:1" ? drop() : new Promise<void>(() => undefined);
    });
    await stage.clock.flush();
    const drained = run.drain({ deadlineMs: 1_000 });
    await stage.clock.advance(999);
    expect([reasons, stage.subscriber.closed]).toEqual([[], false]);
    await stage.clock.advance(1);
    const report = await drained;
    expect(report.left).toEqual([
      { topic: "orders", key: "k", attempt: 1, state: "running" },
      { topic: "orders", key: "k", attempt: 1, state: "waiting" },
      { topic: "orders", key: "r", attempt: 2, state: "waiting" },
    ]);
    expect(report).toMatchObject({ endedBy: "drain", dropped: 1, inFlight: 3, running: 1, waiting: 2 });
    expect(reasons[0]).toBeInstanceOf(TimeoutError);
    expect(String(reasons[0])).toContain('The drain of "orders" did not finish within 1000 ms');
    expect(messages.map(({ revoked }) => revoked !== undefined)).toEqual([true, true, true, false]);
    expect(stage.clock.timers).toBe(0);
  });

  it("ends early when its signal aborts, and at once when that has happened", async () => {
    for (const early of [true, false]) {
      const stage = new Stage();
      const reasons: unknown[] = [];
      stage.deliver("a");
      const run = stage.pipeline.handle((_message, { signal }) => {
        signal.addEventListener("abort", () => reasons.push(signal.reason));
        return new Promise<void>(() => undefined);
      });
      await stage.clock.flush();
      const controller = new AbortController();
      if (early) controller.abort("enough");
      const drained = run.drain({ signal: controller.signal });
      controller.abort("enough");
      expect((await drained).left).toMatchObject([{ state: "running" }]);
      expect(reasons).toMatchObject([{ code: "TIDELANE_ABORTED", cause: "enough" }]);
      expect(reasons[0]).toBeInstanceOf(AbortedError);
      expect(stage.clock.timers).toBe(0);
    }
  });

  it("gives every caller the one report, and a later deadline changes nothing", async () => {
    const stage = new Stage();
    const gate = new Gate();
    stage.deliver("a");
    const run = stage.pipeline.handle(() => gate.opened);
    await stage.clock.flush();
    const first = run.drain({ deadlineMs: 200 });
    const second = run.drain({ deadlineMs: 60_000 });
    await stage.clock.advance(199);
    gate.open();
    const reports = [await first, await second, await run.done, await run.stop()];
    expect(new Set(reports).size).toBe(1);
    expect(reports[0]).toMatchObject({ handled: 1, endedBy: "drain", left: [] });
  });

  it("called again with an earlier deadline, or a signal, ends by that", async () => {
    for (const how of ["deadline", "signal", "signal that has aborted"] as const) {
      const stage = new Stage();
      const controller = new AbortController();
      stage.deliver("a");
      const run = stage.pipeline.handle(() => new Promise<void>(() => undefined));
      await stage.clock.flush();
      void run.drain({ deadlineMs: 30_000 });
      await stage.clock.advance(10);
      if (how === "signal that has aborted") controller.abort();
      void run.drain(how === "deadline" ? { deadlineMs: 100 } : { signal: controller.signal });
      await stage.clock.advance(how === "deadline" ? 100 : 0);
      controller.abort();
      await stage.clock.flush();
      expect(stage.subscriber.closed, how).toBe(true);
      expect(await run.done).toMatchObject({ endedBy: "drain", left: [{ state: "running" }] });
      expect(stage.clock.timers).toBe(0);
    }
  });

  it("may be asked for by a handler, which is finished like the others", async () => {
    const stage = new Stage();
    stage.deliver("a b c");
    const run = stage.pipeline.workers(3).handle((message) => {
      stage.log.push(message.text());
      if (message.text() === "b") void run.drain();
    });
    const report = await run.done;
    expect(stage.log).toEqual(["a", "b", "c"]);
    expect(report).toMatchObject({ endedBy: "drain", handled: 3, left: [] });
  });

  it("does not wait for ever for an iterator that does not return", async () => {
    const stage = new Stage();
    const original = stage.subscriber[Symbol.asyncIterator].bind(stage.subscriber);
    stage.subscriber[Symbol.asyncIterator] = () => {
      const iterator = original();
      iterator.return = () => new Promise(() => undefined);
      return iterator;
    };
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.flush();
    const drained = run.drain({ deadlineMs: 300 });
    await stage.clock.advance(300);
    expect(await drained).toMatchObject({ endedBy: "drain", left: [] });
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "1s"])(
    "refuses a deadline of %s, and goes on",
    async (ms) => {
      const stage = new Stage();
      const run = stage.pipeline.handle(() => stage.note("ran"));
      expect(() => run.drain({ deadlineMs: ms as number })).toThrow("drain: deadlineMs");
      expect(() => run.stop({ deadlineMs: ms as number })).toThrow("stop: deadlineMs");
      stage.deliver("a");
      await stage.clock.flush();
      expect(stage.log).toEqual(["ran @0"]);
      await run.stop();
    },
  );
});
