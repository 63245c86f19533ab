import { byKey, deadLetter, drop, retryAfter, type Settlement } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, RecordingPublisher, Stage } from "./stage.ts";

describe("what a handler asks to be done after the settle", () => {
  it("runs when the delivery has left, is told how, and delays no other delivery", async () => {
    const stage = new Stage();
    const publisher = new RecordingPublisher();
    const settled = new Gate();
    const slow = new Gate();
    const first = stage.message("acked", { onSettle: () => settled.opened });
    stage.subscriber.deliver(first, ...["dropped", "dead", "settled"].map((text) => stage.message(text)));
    const run = stage.pipeline
      .workers(2)
      .onFailure({ deadLetter: { topic: "dead", publisher } })
      .handle(async (message, context) => {
        const text = message.text();
        context.afterSettle(async (settlement) => {
          stage.log.push(`${text}: ${settlement}`);
          await slow.opened;
        });
        if (text === "settled") await message.ack();
        return text === "dropped" ? drop() : text === "dead" ? deadLetter("x") : undefined;
      });
    await stage.clock.flush();
    expect(stage.log).toEqual(["dropped: drop", "dead: dead-letter", "settled: by-handler"]);
    settled.open();
    await stage.clock.flush();
    expect(stage.log.at(-1)).toBe("acked: ack");
    expect(run.stats).toMatchObject({ inFlight: 0, pulled: 4 });
    slow.open();
    expect(await run.drain()).toMatchObject({ continuations: 0 });
  });

  it("is told of a revocation, too, and of a redelivery", async () => {
    const stage = new Stage();
    const seen: Settlement[] = [];
    const [revoked] = stage.deliver("revoked given");
    stage.subscriber.end();
    const run = stage.pipeline.onFailure({ mode: "redeliver" }).handle((message, context) => {
      context.afterSettle((settlement) => void seen.push(settlement));
      if (message !== revoked) return retryAfter(1);
      revoked.revoke();
      return undefined;
    });
    await run.done;
    expect(seen).toEqual(["revoked", "redeliver"]);
  });

  it("is forgotten when its run is retried in place: only the run that decided counts", async () => {
    const stage = new Stage();
    stage.deliver("a");
    stage.subscriber.end();
    const run = stage.pipeline.handle((_message, context) => {
      const { attempt } = context;
      context.afterSettle((settlement) => void stage.log.push(`${attempt}: ${settlement}`));
      if (attempt < 3) throw new Error("again");
    });
    await stage.clock.advance(1_000);
    await run.done;
    expect(stage.log).toEqual(["3: ack"]);
  });

  it("may be asked for by a function taken out of the context", async () => {
    const stage = new Stage();
    stage.deliver("a");
    stage.subscriber.end();
    const run = stage.pipeline.handle((_message, { afterSettle }) => {
      afterSettle((settlement) => void stage.log.push(settlement));
    });
    await run.done;
    expect(stage.log).toEqual(["ack"]);
  });

  it("that fails is reported, and neither retried nor in anybody's way", async () => {
    const stage = new Stage();
    const broken = new Error("mail server");
    const [message] = stage.deliver("a");
    stage.subscriber.end();
    const run = stage.pipeline.handle((_message, context) => {
      context.afterSettle(() => {
        stage.log.push("tried");
        throw broken;
      });
    });
    expect(await run.done).toMatchObject({ handled: 1, failures: 0 });
    expect([stage.log, stage.errors]).toEqual([["tried"], [broken]]);
    expect(message?.settlements).toMatchObject([{ settle: "ack" }]);
  });

  it("is waited for by a drain, until its deadline", async () => {
    for (const finishes of [true, false]) {
      const stage = new Stage();
      const gate = new Gate();
      stage.deliver("a");
      const run = stage.pipeline.handle((_message, context) => context.afterSettle(() => gate.opened));
      await stage.clock.flush();
      const drained = run.drain({ deadlineMs: 1_000 });
      await stage.clock.advance(999);
      expect(stage.subscriber.closed).toBe(false);
      if (finishes) gate.open();
      await stage.clock.advance(1);
      expect(await drained).toMatchObject({ handled: 1, left: [], continuations: finishes ? 0 : 1 });
      expect(stage.clock.timers).toBe(0);
    }
  });

  it.each(["stop", "drain", "signal"] as const)(
    "that never ends does not outlast a %s after the stream has ended",
    async (how) => {
      const stage = new Stage();
      const controller = new AbortController();
      stage.deliver("a");
      stage.subscriber.end();
      const run = stage.pipeline.handle(
        (_message, context) => context.afterSettle(() => new Promise<void>(() => undefined)),
        { signal: controller.signal },
      );
      await stage.clock.advance(60_000);
      expect(stage.subscriber.closed).toBe(false);
      if (how === "signal") controller.abort();
      else void run[how]({ deadlineMs: 5_000 });
      await stage.clock.advance(5_000);
      expect(await run.done).toMatchObject({ endedBy: "end", handled: 1, continuations: 1 });
      expect(stage.clock.timers).toBe(0);
    },
  );

  it("and has not begun by the deadline, is not begun after it", async () => {
    const stage = new Stage();
    const gate = new Gate();
    stage.deliver(Array.from({ length: 20 }, (_, index) => `m${index}`).join(" "));
    const run = stage.pipeline.workers(20).handle((message, { afterSettle }) => {
      afterSettle(() => {
        stage.log.push(message.text());
        return gate.opened;
      });
    });
    await stage.clock.flush();
    const drained = run.drain({ deadlineMs: 10 });
    await stage.clock.advance(10);
    expect(await drained).toMatchObject({ handled: 20, continuations: 20 });
    gate.open();
    await stage.clock.flush();
    expect(stage.log).toHaveLength(16);
  });

  it("and is slower than the stream holds the pulls, not the deliveries, until it has caught up", async () => {
    const stage = new Stage();
    const gates: Gate[] = [];
    const total = 1_500;
    stage.deliver(Array.from({ length: total }, (_, index) => `k${index % 7}:${index}`).join(" "));
    stage.subscriber.end();
    const run = stage.pipeline.workers(4, byKey, { maxInFlight: 10 }).handle((_message, { afterSettle }) => {
      afterSettle(() => {
        const gate = new Gate();
        gates.push(gate);
        return gate.opened;
      });
    });
    await stage.clock.flush();
    // No more than 1,024 and what was in flight when there were so many; all that was pulled is settled.
    const { pulled } = run.stats;
    expect(run.stats).toMatchObject({ handled: pulled, inFlight: 0, continuations: pulled });
    expect([pulled >= 1_024, pulled <= 1_033, gates.length]).toEqual([true, true, 16]);
    await stage.clock.advance(60_000);
    expect(run.stats.pulled).toBe(pulled);
    let opened = 0;
    while (opened < total) {
      for (const gate of gates.slice(opened)) gate.open();
      opened = gates.length;
      await stage.clock.flush();
      expect(run.stats.pulled).toBeGreaterThanOrEqual(Math.min(total, pulled + opened - 16));
    }
    expect(await run.done).toMatchObject({ handled: total, continuations: 0 });
    expect(gates).toHaveLength(total);
  });

  it("that never ends is cut short by a stop during a drain", async () => {
    const stage = new Stage();
    stage.deliver("k:1");
    const run = stage.pipeline
      .workers(1, byKey)
      .handle((_message, context) => context.afterSettle(() => new Promise<void>(() => undefined)));
    await stage.clock.flush();
    const drained = run.drain({ deadlineMs: 30_000 });
    await stage.clock.advance(10);
    void run.stop({ deadlineMs: 100 });
    await stage.clock.advance(100);
    expect(await drained).toMatchObject({ continuations: 1 });
    expect(stage.clock.timers).toBe(0);
  });
});
