import { byKey, TimeoutError } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

/** Rejects with the reason when told to give up. */
const untilAborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("a handler with a timeout", () => {
  it("is told by its signal with topic, key and attempt, and its failure follows the policy, with a new signal", async () => {
    const stage = new Stage();
    stage.deliver("k:1");
    const run = stage.pipeline.workers(2, byKey).handle(
      (_message, { signal, attempt }) => {
        stage.note(`run ${attempt} ${signal.aborted}`);
        if (attempt < 3) return untilAborted(signal);
        return;
      },
      { timeoutMs: 50 },
    );
    await stage.clock.advance(1_000);
    expect(stage.log).toEqual(["run 1 false @0", "run 2 false @150", "run 3 false @400"]);
    expect(stage.reports.map(({ next, attempt }) => [attempt, next])).toEqual([
      [1, { kind: "retry", delayMs: 100 }],
      [2, { kind: "retry", delayMs: 200 }],
    ]);
    expect(String(stage.errors[0])).toBe(
      'TimeoutError: The handler of "orders" (key "k", attempt 1) did not finish within 50 ms.',
    );
    expect(run.stats).toMatchObject({ handled: 1, failures: 2, retries: 2, inFlight: 0 });
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });

  it("has failed whatever it returns later, and may be set aside or dropped for it", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("1");
    const gate = new Gate();
    const run = stage.pipeline
      .onFailure({ maxAttempts: 1, deadLetter: "drop" })
      .handle(() => gate.opened, { timeoutMs: 50 });
    await stage.clock.advance(60);
    expect(message?.settled).toBe(false);
    gate.open();
    await stage.clock.flush();
    expect(message?.settlements).toMatchObject([{ settle: "nack", requeue: false }]);
    expect(stage.reports.map(({ next }) => next)).toEqual([{ kind: "wait" }, { kind: "drop" }]);
    expect(run.stats).toMatchObject({ dropped: 1, failures: 1 });
    await run.stop();
  });

  it("that ignores its signal keeps its lane and is named once; other keys go on", async () => {
    const stage = new Stage();
    stage.deliver("k:1 k:2 j:1");
    const gate = new Gate();
    const run = stage.pipeline.workers(2, byKey).handle(
      async (message, { attempt }) => {
        stage.note(message.text());
        if (message.text() === "k:1" && attempt === 1) await gate.opened;
      },
      { timeoutMs: 50 },
    );
    await stage.clock.advance(10_000);
    expect(stage.log).toEqual(["k:1 @0", "j:1 @0"]);
    expect(stage.reports).toMatchObject([{ key: "k", attempt: 1, next: { kind: "wait" } }]);
    gate.open();
    await stage.clock.advance(100);
    expect(stage.log.slice(2)).toEqual(["k:1 @10100", "k:2 @10100"]);
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });

  it("is given up when asked: lane and worker go on at once, and what it comes to is nobody's", async () => {
    const stage = new Stage();
    const [first] = stage.deliver("k:1 k:2");
    const gates = [new Gate(), new Gate()];
    const run = stage.pipeline.onFailure({ maxAttempts: 1, deadLetter: "drop" }).handle(
      async (message) => {
        stage.note(message.text());
        await gates[message === first ? 0 : 1]?.opened;
      },
      { timeoutMs: 50, onTimeout: "abandon" },
    );
    await stage.clock.advance(60);
    expect(stage.log).toEqual(["k:1 @0", "k:2 @50"]);
    expect(stage.reports.map(({ next }) => next)).toEqual([{ kind: "drop" }]);
    expect(run.stats).toMatchObject({ dropped: 1, running: 1, handled: 0 });
    gates[0]?.open();
    await stage.clock.flush();
    expect(run.stats).toMatchObject({ running: 1, handled: 0 });
    gates[1]?.open();
    await stage.clock.flush();
    expect(run.stats).toMatchObject({ running: 0, handled: 1, dropped: 1 });
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });

  it("has its full time whenever it began, on one timer for all", async () => {
    const stage = new Stage();
    const late: string[] = [];
    for (let index = 0; index < 10; index += 1)
      stage.subscriber.deliver(stage.message(`k${index}:1`)).wait(7);
    const run = stage.pipeline
      .workers(10, byKey)
      .onFailure({ maxAttempts: 1, deadLetter: "drop" })
      .handle(
        async (_message, { signal, key }) => {
          const began = stage.clock.now();
          await untilAborted(signal).catch(() => undefined);
          late.push(`${key} after ${stage.clock.now() - began}`);
        },
        { timeoutMs: 50 },
      );
    await stage.clock.advance(49);
    // One for the script, one for all handlers.
    expect(stage.clock.timers).toBe(2);
    await stage.clock.advance(200);
    expect(late).toEqual(Array.from({ length: 10 }, (_, index) => `k${index} after 50`));
    expect(stage.errors.every((error) => error instanceof TimeoutError)).toBe(true);
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });

  it("costs no timer when it answers at once, and is in nobody's way when it is in time", async () => {
    const stage = new Stage();
    stage.deliver("a b");
    const run = stage.pipeline.handle((message) => (message.text() === "a" ? undefined : Promise.resolve()), {
      timeoutMs: 50,
    });
    await stage.clock.advance(1_000);
    expect([run.stats.handled, stage.errors, stage.clock.timers]).toEqual([2, [], 0]);
    await run.stop();
  });

  it("keeps its own context when it is given up, and the retry gets another one", async () => {
    const stage = new Stage();
    stage.deliver("k:1 k:2");
    const [poll, second] = [new Gate(), new Gate()];
    const run = stage.pipeline.workers(2, byKey).handle(
      async (message, context) => {
        const { attempt } = context;
        stage.note(`${message.text()} ${attempt}`);
        if (message.text() === "k:2") return;
        if (attempt === 2) {
          context.afterSettle(() => stage.note("after 2"));
          await second.opened;
          return;
        }
        context.afterSettle(() => stage.note("after 1, asked for in time"));
        await poll.opened;
        context.afterSettle(() => stage.note("after 1"));
        stage.note(`given up: attempt ${context.attempt}, aborted ${context.signal.aborted}`);
      },
      { timeoutMs: 200, onTimeout: "abandon" },
    );
    await stage.clock.advance(310);
    poll.open();
    await stage.clock.advance(10);
    expect(run.stats).toMatchObject({ inFlight: 2, running: 1, retrying: 1, lanes: 1 });
    second.open();
    await stage.clock.advance(10);
    expect(stage.log).toEqual([
      "k:1 1 @0",
      "k:1 2 @300",
      "given up: attempt 1, aborted true @310",
      "after 2 @320",
      "k:2 1 @320",
    ]);
    expect(run.stats).toMatchObject({ handled: 2, retries: 1, inFlight: 0, running: 0, lanes: 0 });
    await run.drain();
    expect(stage.clock.timers).toBe(0);
  });

  it("is not run again when it settles its message itself, given up and before the retry", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("k:1");
    const run = stage.pipeline.handle(
      async (_message, { attempt }) => {
        stage.note(`run ${attempt}`);
        await new Promise(() => undefined);
      },
      { timeoutMs: 50, onTimeout: "abandon" },
    );
    await stage.clock.advance(100);
    await message?.ack();
    await stage.clock.advance(1_000);
    expect(stage.log).toEqual(["run 1 @0"]);
    expect(run.stats).toMatchObject({ handled: 1, retries: 1, inFlight: 0 });
    await run.stop();
  });

  it("leaves no listener with the message for each retry", async () => {
    for (const onTimeout of ["wait", "abandon"] as const) {
      const stage = new Stage();
      const message = stage.message("k:1");
      const { signal } = message;
      let listeners = 0;
      const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
      Object.assign(signal, {
        addEventListener: (...given: Parameters<typeof add>) => {
          listeners += 1;
          add(...given);
        },
        removeEventListener: (...given: Parameters<typeof remove>) => {
          listeners -= 1;
          remove(...given);
        },
      });
      stage.subscriber.deliver(message);
      const run = stage.pipeline.handle((_message, { signal }) => untilAborted(signal), {
        timeoutMs: 10,
        onTimeout,
      });
      await stage.clock.advance(5_000);
      expect(run.stats.retries).toBeGreaterThan(4);
      expect(listeners).toBeLessThanOrEqual(2);
      await run.stop();
    }
  });

  it("has its own verdict carried out when it comes late and the run is stopping", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("k:1");
    const gate = new Gate();
    const run = stage.pipeline.handle(() => gate.opened, { timeoutMs: 50 });
    await stage.clock.advance(60);
    const stopped = run.stop();
    gate.open();
    expect(await stopped).toMatchObject({ handled: 1, left: [] });
    expect(message?.settlements).toMatchObject([{ settle: "ack" }]);
  });

  it("leaves no timer armed when nothing is in flight, and none when the run is over", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle(() => stage.clock.flush(), { timeoutMs: 4_000 });
    await run.idle();
    expect([run.stats.handled, stage.clock.timers]).toEqual([1, 0]);
    await run.drain();
    expect(stage.clock.timers).toBe(0);
  });

  it("is left by its run when it was given up and has not returned", async () => {
    const stage = new Stage();
    stage.deliver("k:1 k:2");
    const gate = new Gate();
    const run = stage.pipeline
      .onFailure({ maxAttempts: 1, deadLetter: "drop" })
      .handle((message) => (message.text() === "k:1" ? new Promise(() => undefined) : gate.opened), {
        timeoutMs: 50,
        onTimeout: "abandon",
      });
    await stage.clock.advance(120);
    gate.open();
    const { left, dropped } = await run.stop();
    expect([dropped, left]).toEqual([2, [{ topic: "orders", key: undefined, attempt: 1, state: "running" }]]);
  });
});
