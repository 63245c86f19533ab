import {
  type Connection,
  createApp,
  type Health,
  MemoryBroker,
  PublishFailedError,
  pipeline,
} from "tidelane";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { RecordingPublisher } from "../promises/stage.ts";

const quiet = { onError: () => undefined };
const healthy = { live: { ok: true, reasons: [] }, ready: { ok: true, reasons: [] } };

async function started(open: (connection: Connection) => ReturnType<ReturnType<typeof pipeline>["handle"]>) {
  const app = createApp({ name: "orders", broker: new MemoryBroker({ name: "shop" }) });
  app.mount(open);
  await app.start();
  return { app };
}

describe("health", () => {
  it("says while an app starts, runs, drains and has stopped whether it is ready, and that it is live", async () => {
    const clock = new VirtualClock();
    const subscriber = new ScriptedSubscriber({ clock }).deliver(new RecordingMessage());
    const app = createApp({ name: "orders", broker: new MemoryBroker({ name: "shop" }) });
    app.mount(() => pipeline(subscriber).handle(() => new Promise(() => undefined)));
    const starting = app.start();
    expect(app.health).toMatchObject({ live: { ok: true }, ready: { ok: false } });
    expect(app.health.ready.reasons).toContain("The app is starting.");
    await starting;
    expect(app.health).toMatchObject(healthy);
    await clock.flush();
    const drained = app.drain({ deadlineMs: 50 });
    expect(app.health.ready).toEqual({ ok: false, reasons: ["The app is draining."] });
    await clock.advance(50);
    await drained;
    expect(app.health.live.ok).toBe(true);
    expect(app.health.ready.reasons).toContain("The app is stopped.");
  });

  it("is not ready while a connection is away, and names the broker", async () => {
    const { app } = await started(() => pipeline(new ScriptedSubscriber()).handle(() => undefined));
    Object.defineProperty(app.connection(), "state", { value: "reconnecting", configurable: true });
    expect(app.health).toMatchObject({
      state: "running",
      live: { ok: true },
      ready: { ok: false, reasons: ['The connection to "shop" is reconnecting.'] },
    });
    Object.defineProperty(app.connection(), "state", { value: "open", configurable: true });
    expect(app.health).toMatchObject(healthy);
    await app.stop();
  });

  it("is not live once a run has ended with an error, and says which and why", async () => {
    const subscriber = new ScriptedSubscriber({ topic: "orders" });
    const { app } = await started(() => pipeline(subscriber, quiet).handle(() => undefined));
    subscriber.fail(new Error("the queue was deleted"));
    await new Promise((resolve) => setImmediate(resolve));
    const reasons = ['The run of "orders" ended: the queue was deleted'];
    expect(app.health).toMatchObject({
      state: "failed",
      live: { ok: false, reasons },
      ready: { ok: false, reasons },
    });
    await expect(app.stop()).rejects.toThrow("the queue was deleted");
  });

  it("is not live after a start that failed, and says why", async () => {
    const app = createApp({ name: "orders", broker: new MemoryBroker() });
    app.mount(() => Promise.reject(new Error("no such queue")));
    await expect(app.start()).rejects.toThrow("no such queue");
    expect(app.health.live).toEqual({ ok: false, reasons: ["no such queue"] });
  });

  it("is not ready while an intake has stalled, nor while dead letters cannot be published", async () => {
    const clock = new VirtualClock();
    const subscriber = new ScriptedSubscriber({ topic: "orders", clock }).deliver(new RecordingMessage());
    const busy = new PublishFailedError({ topic: "dead", reason: "no answer", retryable: true });
    const publisher = new RecordingPublisher().failNext(busy);
    const { app } = await started(() =>
      pipeline(subscriber, { ...quiet, random: () => 0 })
        .onFailure({
          maxAttempts: 2,
          backoff: { initialMs: 8_000 },
          deadLetter: { topic: "dead", publisher },
        })
        .handle(() => {
          throw new Error("poison");
        }),
    );
    const reasons = (): Health["ready"]["reasons"] => app.health.ready.reasons;
    await clock.advance(4_999);
    expect(reasons()).toEqual([]);
    await clock.advance(1);
    expect(reasons()).toEqual([
      'The run of "orders" pulls nothing: 1 of 1 in flight failed and are retried, and the others wait.',
    ]);
    await clock.advance(3_001);
    expect(reasons()).toContain(
      '1 deliveries of "orders" are blocked: settling them, or publishing their dead letter, failed and is tried again.',
    );
    expect(app.health.live.ok).toBe(true);
    await clock.advance(8_000);
    expect(app.health).toMatchObject({ ...healthy, runs: [{ deadLettered: 1 }] });
    await app.stop();
  });

  it("is not ready while work of afterSettle keeps a run from pulling, and says so", async () => {
    const clock = new VirtualClock();
    const messages = Array.from({ length: 1_100 }, () => new RecordingMessage());
    const subscriber = new ScriptedSubscriber({ topic: "orders", clock }).deliver(...messages);
    const { app } = await started(() =>
      pipeline(subscriber, quiet).handle((_message, { afterSettle }) => {
        afterSettle(() => new Promise(() => undefined));
      }),
    );
    await clock.advance(10_000);
    const { continuations } = app.health.runs[0] ?? {};
    expect(app.health.ready.reasons).toEqual([
      `The run of "orders" pulls nothing: ${continuations} pieces of work given to afterSettle() have not finished.`,
    ]);
    const stopped = app.stop({ deadlineMs: 10 });
    await clock.advance(10);
    await stopped;
  });
});
