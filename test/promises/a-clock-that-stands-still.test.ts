import { createApp, MemoryBroker, pipeline } from "tidelane";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

const failing = (): never => {
  throw new Error("again");
};

describe("a clock that only a test moves", () => {
  it("is the pipeline's when it is the subscriber's, unless told otherwise", async () => {
    const [clock, other] = [new VirtualClock(), new VirtualClock()];
    for (const options of [{}, { clock: other }]) {
      const subscriber = new ScriptedSubscriber({ clock }).deliver(new RecordingMessage());
      const run = pipeline(subscriber, { ...options, onError: () => undefined }).handle(failing);
      await clock.flush();
      expect([clock.timers > 0, other.timers > 0]).toEqual([
        options.clock === undefined,
        options.clock === other,
      ]);
      await run.stop();
    }
  });

  it("ends a drain that waits for nothing else with a sentence, instead of hanging; moving it ends the run", async () => {
    const stage = new Stage();
    stage.deliver("a");
    let isFixed = false;
    const run = stage.pipeline.handle(() => (isFixed ? undefined : failing()));
    await stage.clock.flush();
    await expect(run.drain()).rejects.toThrow(
      'The drain of "orders" on a clock that stands still is not supported here: deliveries wait for their retry; advance the clock, then await the drain.',
    );
    isFixed = true;
    await stage.clock.advance(100);
    expect(await run.done).toMatchObject({ endedBy: "drain", handled: 1 });
    expect(stage.clock.timers).toBe(0);
  });

  it("says so also when the retry begins to wait later", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const gate = new Gate();
    const run = stage.pipeline.handle(() => gate.opened.then(failing));
    await stage.clock.flush();
    const drained = expect(run.drain()).rejects.toThrow("advance the clock");
    for (let turns = 0; turns < 30; turns += 1) await stage.clock.flush();
    expect(stage.errors).toEqual([]);
    gate.open();
    await drained;
    await run.stop();
  });

  it("does not end one that a test moves on", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle((_message, { attempt }) => (attempt < 8 ? failing() : undefined));
    await stage.clock.flush();
    const drained = run.drain();
    for (let moves = 0; moves < 30; moves += 1) await stage.clock.advance(1_000);
    expect(await drained).toMatchObject({ endedBy: "drain", handled: 1, retries: 7 });
  });

  it("is told anew to a drain that asks anew, once the clock has moved", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle((_message, { attempt }) => (attempt < 3 ? failing() : undefined));
    await stage.clock.flush();
    await expect(run.drain()).rejects.toThrow("advance the clock");
    const told = stage.errors.length;
    const again = run.drain();
    await stage.clock.advance(100);
    expect(run.stats.retries).toBe(2);
    await expect(again).rejects.toThrow("advance the clock");
    expect(stage.errors).toHaveLength(told + 2);
    const last = run.drain();
    await stage.clock.advance(200);
    expect(await last).toMatchObject({ endedBy: "drain", handled: 1 });
  });

  it("ends an app with the sentence, and what its run held goes back before the connection closes", async () => {
    const clock = new VirtualClock();
    const app = createApp({ name: "shop", broker: new MemoryBroker({ clock }) });
    app.mount(async (connection) => {
      const orders = await connection.subscribe("orders", { group: "billing" });
      await connection.publisher().publish({ topic: "orders", payload: "tea" });
      return pipeline(orders, { onError: () => undefined }).handle(failing);
    });
    const log: string[] = [];
    await app.start();
    await clock.flush();
    const connection = app.connection();
    const close = connection.close.bind(connection);
    connection.close = () => {
      const { inFlight } = app.health.runs[0] ?? {};
      log.push(`closes, left ${inFlight}, timers ${clock.timers}`);
      return close();
    };
    await expect(app.drain()).rejects.toThrow("advance the clock");
    expect(log).toEqual(["closes, left 1, timers 0"]);
    expect(app.health.state).toBe("failed");
  });
});
