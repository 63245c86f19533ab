import { byKey, createApp, deadLetter, MemoryBroker, PublishFailedError, pipeline } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, RecordingPublisher, Stage } from "./stage.ts";

const missing = new PublishFailedError({ topic: "dead", reason: "no queue takes it", retryable: false });
const busy = new PublishFailedError({ topic: "dead", reason: "no answer", retryable: true });

/** A publisher that can be asked for a topic. */
class AskedPublisher extends RecordingPublisher {
  readonly asked: string[] = [];
  readonly #answer: () => Promise<void>;

  constructor(answer: () => Promise<void>) {
    super();
    this.#answer = answer;
  }

  checkTopic(topic: string): Promise<void> {
    this.asked.push(topic);
    return this.#answer();
  }
}

function staged(answer: () => Promise<void>) {
  const stage = new Stage();
  const publisher = new AskedPublisher(answer);
  stage.deliver("a b");
  const run = stage.pipeline.onFailure({ deadLetter: { topic: "dead", publisher } }).handle((message) => {
    stage.log.push(message.text());
  });
  return { stage, publisher, run };
}

describe("before a run pulls, it asks whether its dead letters can be published", () => {
  it("and says so when the publisher has not answered after 5 seconds", async () => {
    const { stage, run } = staged(() => new Promise(() => undefined));
    await stage.clock.advance(4_999);
    expect(stage.errors).toEqual([]);
    await stage.clock.advance(60_000);
    expect(stage.reports.map(({ error, next }) => [String(error), next.kind])).toEqual([
      [
        'TimeoutError: Asking the publisher whether dead letters of "orders" can go to "dead" did not finish within 5000 ms.',
        "wait",
      ],
    ]);
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });

  it("and an app that waits for the answer names the topic", async () => {
    const gate = new Gate();
    const { run } = staged(() => gate.opened);
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    app.mount(() => run);
    const starting = app.start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(app.health.ready.reasons).toEqual([
      "The app is starting.",
      'The run of "orders" has not begun: its publisher has not said whether dead letters can go to "dead".',
    ]);
    gate.open();
    await starting;
    expect(app.health.ready.ok).toBe(true);
    await app.stop();
  });

  it("and pulls nothing until that is answered", async () => {
    const gate = new Gate();
    const { stage, publisher, run } = staged(() => gate.opened);
    await stage.clock.flush();
    expect([publisher.asked, stage.subscriber.pulled]).toEqual([["dead"], []]);
    gate.open();
    await run.started;
    expect(run.stats.pulled).toBe(2);
    await run.stop();
  });

  it("and ends with the answer when there is no place for them, having pulled nothing", async () => {
    const { stage, run } = staged(() => Promise.reject(missing));
    await expect(run.started).rejects.toBe(missing);
    await expect(run.done).rejects.toBe(missing);
    expect([stage.subscriber.pulled, stage.subscriber.closed]).toEqual([[], true]);
    expect(stage.reports).toMatchObject([{ error: missing, topic: "orders", next: { kind: "end" } }]);
  });

  it("and begins all the same when the answer may be another one later", async () => {
    const { stage, run } = staged(() => Promise.reject(busy));
    await run.started;
    await run.idle();
    expect(stage.log).toEqual(["a", "b"]);
    expect(stage.reports).toMatchObject([{ error: busy, next: { kind: "none" } }]);
    await run.stop();
  });

  it("and can be stopped and drained meanwhile", async () => {
    for (const how of ["stop", "drain"] as const) {
      const { stage, run } = staged(() => new Promise(() => undefined));
      await stage.clock.flush();
      expect(await run[how]()).toMatchObject({ pulled: 0, endedBy: how });
      await run.started;
      expect(stage.errors).toEqual([]);
    }
  });

  it("and an app does not start without a place for them", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    app.mount(async (connection) =>
      pipeline(await connection.subscribe("orders"), { onError: () => undefined })
        .onFailure({
          deadLetter: { topic: "dead", publisher: new AskedPublisher(() => Promise.reject(missing)) },
        })
        .handle(() => undefined),
    );
    await expect(app.start()).rejects.toBe(missing);
    expect(app.health).toMatchObject({ state: "failed", live: { ok: false }, runs: [{ pulled: 0 }] });
  });
});

describe("while it runs", () => {
  it("a dead letter that its publisher says can never be published ends the run, whatever the error", async () => {
    for (const error of [missing, Object.assign(new Error("gone"), { retryable: false })]) {
      const stage = new Stage();
      const publisher = new RecordingPublisher().failNext(error);
      const [message] = stage.deliver("a");
      const run = stage.pipeline
        .onFailure({ deadLetter: { topic: "dead", publisher } })
        .handle(() => deadLetter("poison"));
      await expect(run.done).rejects.toBe(error);
      expect(stage.reports).toMatchObject([{ error, attempt: 1, next: { kind: "end" } }]);
      expect([message?.settlements, message?.revoked !== undefined]).toEqual([[], true]);
    }
  });

  it("one that may be published later is tried again, and shows as blocked until it is", async () => {
    const stage = new Stage();
    const publisher = new RecordingPublisher().failNext(busy, busy);
    stage.deliver("k:1 k:2 j:1");
    const run = stage.pipeline
      .workers(2, byKey)
      .onFailure({ deadLetter: { topic: "dead", publisher } })
      .handle((message) => (message.text() === "k:1" ? deadLetter("poison") : undefined));
    await stage.clock.advance(0);
    expect(run.stats).toMatchObject({ blocked: 1, retrying: 0, waiting: 2 });
    expect(stage.reports).toMatchObject([
      { error: busy, key: "k", attempt: 1, next: { kind: "settle", delayMs: 100 } },
    ]);
    await stage.clock.advance(300);
    expect(run.stats).toMatchObject({ blocked: 0, deadLettered: 1, handled: 2, inFlight: 0 });
    await run.stop();
  });
});
