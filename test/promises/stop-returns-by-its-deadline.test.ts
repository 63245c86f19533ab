import { AbortedError, byKey, DeliveryRevokedError, retryAfter } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

describe("stop", () => {
  it("returns by its deadline from a handler that never does, and names the message", async () => {
    const stage = new Stage();
    stage.subscriber.deliver(stage.message("k:1", { deliveryCount: 3 }), stage.message("k:2"));
    const run = stage.pipeline.workers(4, byKey).handle(() => new Promise<void>(() => undefined));
    await stage.clock.flush();
    let report: unknown;
    void run.stop({ deadlineMs: 250 }).then((given) => {
      report = given;
    });
    await stage.clock.advance(249);
    expect(report).toBeUndefined();
    await stage.clock.advance(1);
    expect(report).toMatchObject({
      endedBy: "stop",
      left: [
        { topic: "orders", key: "k", attempt: 3, state: "running" },
        { topic: "orders", key: "k", attempt: 1, state: "waiting" },
      ],
    });
    expect([stage.subscriber.closed, stage.clock.timers]).toEqual([true, 0]);
  });

  it("aborts what runs, starts nothing more, and returns as soon as the handlers have", async () => {
    const stage = new Stage();
    const reasons: unknown[] = [];
    const [first, second] = stage.deliver("k:1 k:2");
    const run = stage.pipeline.workers(2, byKey).handle((message, { signal }) => {
      stage.log.push(message.text());
      return new Promise<void>((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          reject(signal.reason);
        });
      });
    });
    await stage.clock.flush();
    const report = await run.stop();
    expect(stage.log).toEqual(["k:1"]);
    expect(reasons[0]).toBeInstanceOf(AbortedError);
    expect(stage.errors, "giving up when told to is no failure").toEqual([]);
    expect(run.stats.failures).toBe(0);
    expect(report.left.map(({ state }) => state)).toEqual(["waiting", "waiting"]);
    expect(report).toMatchObject({ inFlight: 2, retries: 0 });
    expect([first?.settlements, second?.settlements]).toEqual([[], []]);
    expect(first?.revoked).toBeInstanceOf(DeliveryRevokedError);
    expect(stage.clock.timers).toBe(0);
  });

  it("still reports a handler that fails for a reason of its own while it stops", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle((_message, { signal }) => {
      return new Promise<void>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("of its own")));
      });
    });
    await stage.clock.flush();
    await run.stop();
    expect(stage.errors).toEqual([new Error("of its own")]);
  });

  it("settles a handler that succeeds before the deadline, though it was told to give up", async () => {
    const stage = new Stage();
    const gate = new Gate();
    const [message] = stage.deliver("a");
    const run = stage.pipeline.handle(() => gate.opened);
    await stage.clock.flush();
    const stopped = run.stop();
    await stage.clock.advance(4_000);
    expect(stage.subscriber.closed).toBe(false);
    gate.open();
    expect(await stopped).toMatchObject({ endedBy: "stop", handled: 1, left: [] });
    expect(message?.settlements).toMatchObject([{ settle: "ack" }]);
  });

  it("waits for a settle that is under way", async () => {
    const stage = new Stage();
    const gate = new Gate();
    stage.subscriber.deliver(stage.message("a", { onSettle: () => gate.opened }));
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.flush();
    const stopped = run.stop();
    await stage.clock.advance(4_000);
    gate.open();
    expect(await stopped).toMatchObject({ handled: 1, left: [] });
  });

  it("leaves a settle that is not answered by the deadline, and says so", async () => {
    const stage = new Stage();
    stage.subscriber.deliver(stage.message("a", { onSettle: () => new Promise<void>(() => undefined) }));
    const run = stage.pipeline.handle(() => undefined);
    await stage.clock.flush();
    const stopped = run.stop();
    await stage.clock.advance(5_000);
    expect((await stopped).left).toMatchObject([{ topic: "orders", state: "settling" }]);
  });

  it("is not disturbed by a handler that succeeds or fails after it has returned", async () => {
    const stage = new Stage();
    const gate = new Gate();
    const messages = stage.deliver("a b");
    const run = stage.pipeline.workers(2).handle(async (message) => {
      await gate.opened;
      if (message.text() === "b") throw new Error("late");
    });
    await stage.clock.flush();
    const stopped = run.stop({ deadlineMs: 10 });
    await stage.clock.advance(10);
    const report = await stopped;
    gate.open();
    await stage.clock.flush();
    expect(report.left).toHaveLength(2);
    for (const message of messages) expect(message.settlements).toEqual([]);
    expect(run.stats).toMatchObject({ revoked: 2, inFlight: 0 });
  });

  it("shortens a drain that is under way", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle(() => new Promise<void>(() => undefined));
    await stage.clock.flush();
    const drained = run.drain({ deadlineMs: 30_000 });
    await stage.clock.advance(10);
    void run.stop({ deadlineMs: 20 });
    await stage.clock.advance(20);
    expect(await drained).toMatchObject({ endedBy: "stop", left: [{ state: "running" }] });
    expect(stage.clock.timers).toBe(0);
  });

  it("does not put off the deadline of the drain it cuts short, nor its signal", async () => {
    for (const how of ["deadline", "signal"] as const) {
      const stage = new Stage();
      const controller = new AbortController();
      stage.deliver("a");
      const run = stage.pipeline.handle(() => new Promise<void>(() => undefined));
      await stage.clock.flush();
      void run.drain({ deadlineMs: 100, signal: controller.signal });
      await stage.clock.advance(60);
      void run.stop({ deadlineMs: 60_000 });
      await stage.clock.advance(39);
      expect(stage.subscriber.closed).toBe(false);
      if (how === "signal") controller.abort();
      await stage.clock.advance(how === "signal" ? 0 : 1);
      expect(await run.done).toMatchObject({ endedBy: "stop", left: [{ state: "running" }] });
      expect(stage.clock.timers).toBe(0);
    }
  });

  it("called again with an earlier deadline ends by that, and so does a drain that comes after it", async () => {
    for (const again of ["stop", "drain"] as const) {
      const stage = new Stage();
      stage.deliver("a");
      const run = stage.pipeline.handle(() => new Promise<void>(() => undefined));
      await stage.clock.flush();
      void run.stop({ deadlineMs: 30_000 });
      void run[again]({ deadlineMs: 100 });
      await stage.clock.advance(100);
      expect(await run.done).toMatchObject({ endedBy: "stop", left: [{ state: "running" }] });
      expect(stage.clock.timers).toBe(0);
    }
  });

  it("takes back the timer of a retry that waits, and what it reported stays true", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle(() => retryAfter(60_000));
    await stage.clock.flush();
    const close = stage.subscriber.close.bind(stage.subscriber);
    let timersAtClose = -1;
    stage.subscriber.close = () => {
      // One is the deadline of the stop, one that of this close.
      timersAtClose = stage.clock.timers - 2;
      return close();
    };
    const report = await run.stop();
    await stage.clock.advance(100_000);
    expect(timersAtClose).toBe(0);
    expect(report).toMatchObject({ inFlight: 1, revoked: 0, left: [{ attempt: 2, state: "waiting" }] });
    expect(report).toMatchObject(run.stats);
  });

  it("may be asked for by a handler, at once and at the first delivery", async () => {
    const stage = new Stage();
    const messages = stage.deliver("a b c");
    const run = stage.pipeline.workers(3).handle((message) => {
      stage.log.push(message.text());
      void run.stop();
    });
    const report = await run.done;
    expect(stage.log).toEqual(["a"]);
    expect(report).toMatchObject({ endedBy: "stop", handled: 1, waiting: 2 });
    expect(messages.map(({ settled }) => settled)).toEqual([true, false, false]);
  });

  it("before the first pull pulls nothing", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle(() => stage.note("ran"));
    expect(await run.stop()).toMatchObject({ endedBy: "stop", pulled: 0, left: [] });
    expect([stage.log, stage.subscriber.pulled]).toEqual([[], []]);
  });
});
