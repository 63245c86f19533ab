import { describe, expect, it } from "vitest";
import { byKey } from "../../src/runtime/key.ts";
import { deadLetter } from "../../src/runtime/outcome.ts";
import type { Run } from "../../src/runtime/run.ts";
import { RecordingMessage } from "../../src/testing/index.ts";
import { expectBalanced, Gate, Stage } from "../promises/stage.ts";

describe("a run", () => {
  it("begins after handle() has returned, so that a handler may use it", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run: Run = stage.pipeline.handle(() => {
      stage.log.push(`pulled ${run.stats.pulled}, running ${run.stats.running}`);
    });
    expect(stage.subscriber.pulled).toEqual([]);
    await stage.clock.flush();
    expect(stage.log).toEqual(["pulled 1, running 1"]);
    await run.stop();
  });

  it("waits for nothing where neither the handler nor the broker does", async () => {
    const stage = new Stage();
    stage.deliver("a b c");
    const run = stage.pipeline.handle(() => undefined);
    // The microtask it begins in.
    await Promise.resolve();
    expect(run.stats).toMatchObject({ pulled: 3, handled: 3 });
    await run.stop();
  });

  it("goes through handlers that return at once without a timer or a growing stack", async () => {
    const stage = new Stage();
    const count = 20_000;
    stage.subscriber.deliver(...Array.from({ length: count }, () => new RecordingMessage())).end();
    const run = stage.pipeline.workers(2).handle(() => undefined);
    expect(await run.done).toMatchObject({ handled: count, peakInFlight: 2 });
  });

  it("frees a worker, a slot and a lane however a delivery leaves", async () => {
    const stage = new Stage();
    const fates = ["ack", "self", "revoke", "settle fails", "ack"];
    const messages = Array.from({ length: 300 }, (_, index) => {
      const message = stage.message(`k${index % 7}:${index}`);
      if (fates[index % fates.length] === "settle fails") message.rejectNextSettle(new Error("reset"));
      return message;
    });
    stage.subscriber.deliver(...messages).end();
    const run = stage.pipeline.workers(3, byKey, { maxInFlight: 5 }).handle((message, { worker }) => {
      const fate = fates[messages.indexOf(message) % fates.length];
      if (worker < 0 || worker > 2) stage.log.push(`worker ${worker}`);
      if (fate === "self") void message.ack();
      if (fate === "revoke") message.revoke();
    });
    const report = await run.done;
    expectBalanced(report);
    expect(report).toMatchObject({ pulled: 300, handled: 180, revoked: 120, inFlight: 0, lanes: 0 });
    expect(report.peakInFlight).toBeLessThanOrEqual(5);
    expect(stage.log).toEqual([]);
  });

  it("keeps alive what is in flight where the source has an ack deadline, and only while there is something", async () => {
    const stage = new Stage({ ackDeadlineMs: 300 });
    const gate = new Gate();
    const run = stage.pipeline.handle(() => gate.opened);
    await stage.clock.flush();
    expect(stage.clock.timers).toBe(0);
    const [message] = stage.deliver("a");
    await stage.clock.advance(250);
    expect(message?.keepAlives).toBe(2);
    gate.open();
    await stage.clock.advance(1_000);
    expect([message?.keepAlives, stage.clock.timers]).toEqual([2, 0]);
    await run.stop();
  });

  it("keeps alive during a drain and a stop, to the end", async () => {
    const stage = new Stage({ ackDeadlineMs: 300 });
    const [message] = stage.deliver("a");
    const run = stage.pipeline.handle(() => new Promise<void>(() => undefined));
    await stage.clock.flush();
    void run.drain({ deadlineMs: 1_000 });
    await stage.clock.advance(450);
    expect(message?.keepAlives).toBe(4);
    void run.stop({ deadlineMs: 200 });
    await stage.clock.advance(200);
    expect(message?.keepAlives).toBe(6);
    await run.done;
    expect(stage.clock.timers).toBe(0);
    await stage.clock.advance(1_000);
    expect(message?.keepAlives).toBe(6);
  });

  it("reports how it went", async () => {
    const stage = new Stage();
    stage.deliver("a");
    stage.subscriber.end();
    const report = await stage.pipeline.handle(() => undefined).done;
    expect(report).toEqual({
      pulled: 1,
      handled: 1,
      dropped: 0,
      deadLettered: 0,
      redelivered: 0,
      revoked: 0,
      retries: 0,
      failures: 0,
      undecodable: 0,
      running: 0,
      settling: 0,
      waiting: 0,
      retrying: 0,
      blocked: 0,
      stalled: false,
      inFlight: 0,
      peakInFlight: 1,
      lanes: 0,
      endedBy: "end",
      left: [],
      continuations: 0,
    });
  });

  it("takes a wrong answer of a handler for a failure, and says what an answer is", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("a");
    const wrong = (() => "done") as unknown as () => undefined;
    const run = stage.pipeline.handle(wrong);
    await stage.clock.flush();
    expect(stage.errors.map(String)).toEqual([expect.stringContaining("nothing or an outcome")]);
    expect(message?.settled).toBe(false);
    await run.stop();
  });

  it("takes an answer that explodes when looked at for a failure, too", async () => {
    const stage = new Stage();
    const explosive = new Proxy(
      {},
      {
        has: () => {
          throw new Error("boom");
        },
      },
    );
    stage.deliver("a");
    const run = stage.pipeline.handle((() => explosive) as unknown as () => undefined);
    await stage.clock.flush();
    expect(stage.errors.map(String)).toEqual(["Error: boom"]);
    expect(run.stats).toMatchObject({ running: 0, waiting: 1 });
    await run.stop();
  });

  it("settles what was dead-lettered by hand with a reason that is no text as a failure, not as a settle", async () => {
    const stage = new Stage({ deadLetter: true });
    const [message] = stage.deliver("a");
    const run = stage.pipeline
      .onFailure({ deadLetter: "broker" })
      .handle(() => deadLetter(undefined as unknown as string));
    await stage.clock.flush();
    expect(stage.errors).toMatchObject([{ code: "TIDELANE_INVALID_ARGUMENT" }]);
    expect(message?.settled).toBe(false);
    await run.stop();
  });

  it("takes its deliveries in turn with other work: a timer fires while a source that is always ready runs", async () => {
    const stage = new Stage();
    const last = 50_000;
    for (let each = 0; each < last; each += 1) stage.subscriber.deliver(new RecordingMessage());
    const run = stage.pipeline.workers(4).handle(() => undefined);
    const pulledWhenFired = await new Promise<number>((resolve) =>
      setTimeout(() => resolve(run.stats.pulled), 0),
    );
    expect(pulledWhenFired).toBeLessThan(last);
    await run.stop();
  });
});
