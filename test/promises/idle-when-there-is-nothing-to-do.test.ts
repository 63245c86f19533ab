import { by, MemoryBroker, type Message, pipeline, type Run, type Subscriber } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

/** Whether `run.idle()` has resolved, as far as turns of the event loop can tell. */
function watch(run: Run): { readonly idle: boolean } {
  const watched = { idle: false };
  void run.idle().then(() => {
    watched.idle = true;
  });
  return watched;
}

describe("idle()", () => {
  it("resolves when all that was published is handled, with and without takeReady", async () => {
    for (const hasTakeReady of [true, false]) {
      const connection = await new MemoryBroker().connect();
      const orders = await connection.subscribe("orders");
      const publisher = connection.publisher();
      for (const payload of ["1", "2", "3"]) await publisher.publish({ topic: "orders", payload });
      const run = pipeline(hasTakeReady ? orders : withoutTakeReady(orders)).handle(async () => {
        await new Promise((resolve) => setImmediate(resolve));
      });
      await run.idle();
      expect(run.stats).toMatchObject({ handled: 3, inFlight: 0 });
      await publisher.publish({ topic: "orders", payload: "4" });
      await run.idle();
      expect(run.stats.handled).toBe(4);
      await connection.close();
    }
  });

  it("resolves at once for a run that has nothing to do, any number of times", async () => {
    const stage = new Stage();
    const run = stage.pipeline.handle(() => undefined);
    await Promise.all([run.idle(), run.idle()]);
    await run.idle();
    await run.stop();
  });

  it("does not while a handler runs, a retry waits, or a delivery waits for its lane", async () => {
    const stage = new Stage();
    stage.deliver("a b");
    const gate = new Gate();
    const run = stage.pipeline.handle(async (message, { attempt }) => {
      if (message.text() === "a" && attempt === 1) throw new Error("again");
      if (message.text() === "b") await gate.opened;
    });
    const watched = watch(run);
    await stage.clock.advance(99);
    expect([watched.idle, run.stats.retrying]).toEqual([false, 1]);
    await stage.clock.advance(1);
    expect([watched.idle, run.stats.handled]).toEqual([false, 1]);
    gate.open();
    await stage.clock.flush();
    expect([watched.idle, run.stats.handled]).toEqual([true, 2]);
    await run.stop();
  });

  it("does not behind a message that fails each time, until it leaves or the run is over", async () => {
    const hours = 24 * 3_600_000;
    const stage = new Stage();
    stage.deliver("poison");
    const endless = stage.pipeline.handle(() => Promise.reject(new Error("again")));
    const watched = watch(endless);
    await stage.clock.advance(hours);
    expect([watched.idle, endless.stats.retrying]).toEqual([false, 1]);
    await endless.stop();
    await stage.clock.flush();
    expect(watched.idle).toBe(true);
    const other = new Stage();
    other.deliver("poison");
    const bounded = other.pipeline
      .onFailure({ maxAttempts: 3, deadLetter: "drop" })
      .handle(() => Promise.reject(new Error("again")));
    const leaving = watch(bounded);
    await other.clock.advance(1_000);
    expect([leaving.idle, bounded.stats.dropped]).toEqual([true, 1]);
    await bounded.stop();
  });

  it("does not while a continuation runs", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const gate = new Gate();
    const run = stage.pipeline.handle((_message, { afterSettle }) => afterSettle(() => gate.opened));
    const watched = watch(run);
    await stage.clock.flush();
    expect([watched.idle, run.stats.handled, run.stats.continuations]).toEqual([false, 1, 1]);
    gate.open();
    await stage.clock.flush();
    expect(watched.idle).toBe(true);
    await run.stop();
  });

  it("resolves when the source ends, and when the run is stopped with work in flight, drained, or fails", async () => {
    const source = new Stage();
    source.deliver("1 2");
    source.subscriber.end();
    const ended = source.pipeline.handle(() => undefined);
    await ended.idle();
    expect(ended.stats.handled).toBe(2);
    await ended.done;
    await ended.idle();
    for (const how of ["stop", "drain", "fail"] as const) {
      const stage = new Stage();
      stage.deliver("a");
      const run = stage.pipeline.handle(() => new Promise(() => undefined));
      const watched = watch(run);
      await stage.clock.flush();
      expect(watched.idle).toBe(false);
      if (how === "fail") stage.subscriber.fail(new Error("gone"));
      if (how === "drain") void run.drain({ deadlineMs: 10 });
      else void run.stop({ deadlineMs: 10 });
      await stage.clock.advance(10);
      expect(watched.idle).toBe(true);
    }
  });

  it("rejects with the error of a run that failed", async () => {
    const connection = await new MemoryBroker().connect();
    await connection.publisher().publish({ topic: "orders", payload: "1" });
    const run = pipeline(await connection.subscribe("orders"))
      .workers(
        2,
        by(() => {
          throw new Error("no key today");
        }),
      )
      .handle(() => undefined);
    await expect(run.idle()).rejects.toMatchObject({ code: "TIDELANE_KEY" });
    await expect(run.done).rejects.toMatchObject({ code: "TIDELANE_KEY" });
    await connection.close();
  });

  it("resolves when the run is over, though a continuation never ends", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle((_message, { afterSettle }) => {
      afterSettle(() => new Promise(() => undefined));
    });
    await stage.clock.flush();
    const watched = watch(run);
    await stage.clock.flush();
    expect(watched.idle).toBe(false);
    void run.stop({ deadlineMs: 10 });
    await stage.clock.advance(10);
    expect(watched.idle).toBe(true);
  });
});

function withoutTakeReady<M extends Message>(subscriber: Subscriber<M>): Subscriber<M> {
  return {
    topic: subscriber.topic,
    capabilities: subscriber.capabilities,
    close: () => subscriber.close(),
    [Symbol.asyncDispose]: () => subscriber.close(),
    [Symbol.asyncIterator]() {
      const iterator = subscriber[Symbol.asyncIterator]();
      return { next: () => iterator.next(), return: () => iterator.return() };
    },
  };
}
