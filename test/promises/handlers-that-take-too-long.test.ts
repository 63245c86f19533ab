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
});
