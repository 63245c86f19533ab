import { byKey, IntakeStalledError, retryAfter } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

const broken = new Error("broken");

describe("keys that fail for ever and fill the room", () => {
  it("are named after 5 seconds, once, with figures; the run is not stalled any more when it pulls again", async () => {
    const stage = new Stage();
    const failing = Array.from({ length: 256 }, (_, index) => `k${index}:poison`);
    const healthy = Array.from({ length: 5_000 }, (_, index) => `h${index}:fine`);
    stage.deliver([...failing, ...healthy].join(" "));
    let isFixed = false;
    const run = stage.pipeline.workers(8, byKey).handle((message) => {
      if (message.text().endsWith("poison") && !isFixed) throw broken;
    });
    const stalls = (): unknown[] => stage.reports.filter(({ error }) => error !== broken);
    await stage.clock.advance(4_999);
    expect(run.stats).toMatchObject({ pulled: 256, retrying: 256, handled: 0, stalled: false });
    expect(stalls()).toEqual([]);
    await stage.clock.advance(1);
    expect(run.stats).toMatchObject({ pulled: 256, retrying: 256, stalled: true });
    const code = "TIDELANE_INTAKE_STALLED";
    const report = { error: { code, topic: "orders", failing: 256, inFlight: 256 }, topic: "orders" };
    expect(stalls()).toMatchObject([report]);
    await stage.clock.advance(20_000);
    expect(stalls()).toHaveLength(1);
    isFixed = true;
    await stage.clock.advance(30_000);
    expect(run.stats).toMatchObject({ handled: 5_256, retrying: 0, stalled: false, inFlight: 0 });
    await run.drain();
    expect(stage.clock.timers).toBe(0);
  });

  it("is named when one key fails and the deliveries behind it fill the room", async () => {
    const stage = new Stage();
    stage.deliver(Array.from({ length: 300 }, () => "k:poison").join(" "));
    stage.deliver("h:fine");
    const run = stage.pipeline.workers(8, byKey).handle(() => {
      throw broken;
    });
    await stage.clock.advance(5_000);
    expect(run.stats).toMatchObject({ pulled: 256, retrying: 1, stalled: true });
    const stalls = stage.errors.filter((error) => error !== broken);
    expect(stalls).toMatchObject([{ code: "TIDELANE_INTAKE_STALLED", failing: 1, inFlight: 256 }]);
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });

  it("is named when work of afterSettle does not end, and over when it does", async () => {
    const stage = new Stage();
    stage.deliver(Array.from({ length: 1_100 }, () => "a").join(" "));
    const gate = new Gate();
    const run = stage.pipeline.workers(8).handle((_message, { afterSettle }) => {
      afterSettle(() => gate.opened);
    });
    await stage.clock.advance(4_999);
    expect(run.stats.stalled).toBe(false);
    await stage.clock.advance(20_000);
    const { pulled, continuations, stalled } = run.stats;
    expect([pulled, continuations, stalled]).toEqual([continuations, continuations, true]);
    expect(stage.errors.map(String)).toEqual([
      `IntakeStalledError: The run of "orders" has pulled nothing for 5000 ms: ${continuations} pieces of work given to afterSettle() have not finished. Give them a time limit.`,
    ]);
    gate.open();
    await run.idle();
    expect(run.stats).toMatchObject({ pulled: 1_100, stalled: false });
    await run.drain();
    expect(stage.clock.timers).toBe(0);
  });

  it("is not said where there is room, or where the run pulls", async () => {
    const stage = new Stage();
    stage.deliver("a:poison b:poison c:fine");
    const run = stage.pipeline.workers(2, byKey, { maxInFlight: 4 }).handle((message) => {
      if (message.text().endsWith("poison")) throw broken;
    });
    await stage.clock.advance(10_000);
    expect(run.stats).toMatchObject({ retrying: 2, handled: 1, stalled: false });
    stage.deliver("a:behind b:behind");
    // Full since 10 s; looked at every 5 s, it is found to have pulled nothing for 5 s at 20 s.
    for (let seconds = 0; seconds < 20; seconds += 4) {
      await stage.clock.advance(4_000);
      expect(run.stats.stalled).toBe(seconds > 4);
    }
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });

  it("is not said of a delivery whose handler asked for time once, nor while that handler runs again", async () => {
    const stage = new Stage();
    stage.deliver("a b");
    const gate = new Gate();
    const run = stage.pipeline.handle((_message, { attempt }) =>
      attempt === 1 ? retryAfter(60_000) : gate.opened,
    );
    await stage.clock.advance(59_999);
    expect(run.stats).toMatchObject({ pulled: 1, retrying: 1, stalled: false });
    await stage.clock.advance(30_000);
    expect([stage.errors, run.stats.stalled]).toEqual([[], false]);
    gate.open();
    await stage.clock.advance(60_001);
    expect(run.stats.handled).toBe(2);
    await run.drain();
    expect([stage.errors, stage.clock.timers]).toEqual([[], 0]);
  });

  it("is said of one that asks for time again and again, and of one that asked before it failed", async () => {
    for (const broken of [false, true]) {
      const stage = new Stage();
      stage.deliver("a b");
      const run = stage.pipeline.handle((_message, { attempt }) => {
        if (broken && attempt > 1) throw new Error("broken");
        return retryAfter(20_000);
      });
      await stage.clock.advance(19_999);
      expect(stage.errors).toEqual([]);
      await stage.clock.advance(15_000);
      const stalls = stage.errors.filter((error) => error instanceof IntakeStalledError);
      expect(stalls).toMatchObject([{ failing: 1, inFlight: 1 }]);
      await run.stop();
      expect(stage.clock.timers).toBe(0);
    }
  });

  it("counts one that a timeout gave up after its pause as failing, once", async () => {
    const stage = new Stage();
    stage.deliver("a b");
    const never = new Promise<undefined>(() => undefined);
    const run = stage.pipeline.handle(
      (_message, { attempt }) => (attempt === 1 ? retryAfter(1_000) : never),
      {
        timeoutMs: 1_000,
        onTimeout: "abandon",
      },
    );
    await stage.clock.advance(2_050);
    expect(run.stats).toMatchObject({ retrying: 1, waiting: 1 });
    await stage.clock.advance(30_000);
    const stalls = stage.errors.filter((error) => error instanceof IntakeStalledError);
    expect(stalls).toMatchObject([{ failing: 1, inFlight: 1 }]);
    await run.stop();
    expect(run.stats).toMatchObject({ pulled: 1, inFlight: 1 });
    expect(stage.clock.timers).toBe(0);
  });

  it("is not said of slow handlers that fail nowhere, nor of a run that drains", async () => {
    const stage = new Stage();
    stage.deliver("a b");
    const run = stage.pipeline.workers(2).handle((_message, { signal }) => {
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(broken)));
    });
    await stage.clock.advance(60_000);
    expect([run.stats.stalled, stage.errors]).toEqual([false, []]);
    await run.stop();
    const draining = new Stage();
    draining.deliver("a");
    const drained = draining.pipeline.handle(() => {
      throw broken;
    });
    await draining.clock.flush();
    void drained.drain();
    await draining.clock.advance(20_000);
    expect(draining.errors.every((error) => error === broken)).toBe(true);
    await drained.stop();
    expect(draining.clock.timers).toBe(0);
  });
});
