import { describe, expect, it, vi } from "vitest";
import { by, byKey } from "../../src/runtime/key.ts";
import { type Pipeline, pipeline } from "../../src/runtime/pipeline.ts";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import { json, text } from "../../src/traits/codec.ts";
import { InvalidArgumentError, SubscriberBusyError } from "../../src/traits/errors.ts";
import type { Message } from "../../src/traits/message.ts";
import { Stage } from "../promises/stage.ts";

/** What a program without types can call. */
type Untyped = Record<string, (...given: unknown[]) => Untyped>;

const untyped = (steps: unknown): Untyped => steps as Untyped;
const steps = (): Untyped => untyped(pipeline(new ScriptedSubscriber()));
const never = (): Promise<void> => new Promise(() => undefined);

function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("bad input is refused where it is given, with its name", () => {
  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "8", undefined, null])(
    "workers(%s)",
    (count) => {
      expect(refusal(() => steps()["workers"]?.(count))).toContain("workers(n) must be a whole number");
    },
  );

  it.each([null, "id", {}, { select: "id" }, 0])("workers(8, %j)", (key) => {
    expect(refusal(() => steps()["workers"]?.(8, key))).toContain("workers(n, key)");
  });

  it("workers(8, fn), which wants by(fn)", () => {
    expect(refusal(() => steps()["workers"]?.(8, (order: { id: string }) => order.id))).toMatch(
      /byKey or by\(.*\); received a function/,
    );
  });

  it.each([7, 0, 8.5, Number.NaN, "9", null])("workers(8, byKey, { maxInFlight: %s })", (maxInFlight) => {
    expect(refusal(() => steps()["workers"]?.(8, byKey, { maxInFlight }))).toContain(
      "workers: maxInFlight must be a whole number of at least 8, or Infinity",
    );
  });

  it.each([null, 5, "options"])("workers(8, byKey, %j)", (options) => {
    expect(refusal(() => steps()["workers"]?.(8, byKey, options))).toContain("workers(n, key, options)");
  });

  it.each([undefined, null, "json", 5, {}, { decode: "no" }, { "~standard": 1 }])("decode(%j)", (decoder) => {
    expect(refusal(() => steps()["decode"]?.(decoder))).toContain("decode(decoder)");
  });

  it.each([undefined, null, "log", {}])("use(%j)", (middleware) => {
    expect(refusal(() => steps()["use"]?.(middleware))).toContain("use(middleware)");
  });

  it.each([undefined, null, "later", { maxAttempts: 3 }])("onFailure(%j)", (policy) => {
    expect(refusal(() => steps()["onFailure"]?.(policy))).toContain("onFailure");
  });

  it.each([undefined, null, {}, "handler", 5])("handle(%j)", (handler) => {
    expect(refusal(() => steps()["handle"]?.(handler))).toContain("handle(handler) must be a function");
  });

  it.each([5, {}, "abort", null])("handle(fn, { signal: %j }), having opened nothing", (signal) => {
    const subscriber = new ScriptedSubscriber();
    const given = untyped(pipeline(subscriber));
    expect(refusal(() => given["handle"]?.(() => undefined, { signal }))).toContain("handle: signal");
    expect(subscriber.iterating).toBe(false);
  });

  it.each([undefined, null, {}, [1], "orders", (async function* () {})()])("pipeline(%s)", (subscriber) => {
    expect(refusal(() => pipeline(subscriber as unknown as ScriptedSubscriber))).toContain(
      "pipeline(subscriber) must be a subscriber",
    );
  });

  it.each([
    [{ onError: "log" }, "pipeline: onError"],
    [{ random: 0.5 }, "pipeline: random"],
    [{ clock: Date }, "pipeline: clock"],
    [{ clock: null }, "pipeline: clock"],
    [null, "pipeline(subscriber, options)"],
  ])("pipeline(subscriber, %j)", (options, name) => {
    const call = () => (pipeline as (...given: unknown[]) => unknown)(new ScriptedSubscriber(), options);
    expect(refusal(call)).toContain(name);
  });

  it("steps in an order that cannot work", () => {
    const late = "decode(decoder) must be called before workers() and use()";
    const keyed = untyped(steps()["workers"]?.(8, byKey));
    expect(refusal(() => keyed["decode"]?.(json))).toContain(late);
    const wrapped = untyped(steps()["use"]?.((_context: unknown, next: () => unknown) => next()));
    expect(refusal(() => wrapped["decode"]?.(json))).toContain(late);
    const decoded = untyped(steps()["decode"]?.(json));
    expect(refusal(() => decoded["decode"]?.(json))).toContain("decode(decoder) must be called once");
  });

  it("a second run while the first has the iterator, which goes on", async () => {
    const stage = new Stage();
    const given = stage.pipeline;
    const run = given.handle((message) => stage.note(message.text()));
    expect(() => given.handle(() => undefined)).toThrow(SubscriberBusyError);
    stage.deliver("a");
    await stage.clock.flush();
    expect(stage.log).toEqual(["a @0"]);
    await run.stop();
    expect(stage.clock.timers).toBe(0);
  });
});

describe("the steps", () => {
  it("make a new pipeline each, and leave the one they were called on as it was", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const plain = stage.pipeline;
    plain.workers(3);
    plain.decode(text);
    plain.use(() => {
      throw new Error("not in this one");
    });
    const run = plain.handle((message) => void stage.log.push(typeof message));
    await stage.clock.flush();
    expect([stage.log, stage.errors]).toEqual([["object"], []]);
    await run.stop();
  });

  it("give the handler the message itself without decode, the value with it", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("a");
    stage.subscriber.end();
    const seen: unknown[] = [];
    await stage.pipeline.handle((given, context) => void seen.push(given, context.message)).done;
    expect(seen).toEqual([message, message]);
    const decoded = new Stage();
    decoded.deliver("a");
    decoded.subscriber.end();
    await decoded.pipeline.decode(text).handle((value) => void decoded.log.push(value)).done;
    expect(decoded.log).toEqual(["a"]);
  });

  it("wrap every run of the handler in the middleware, the first outermost, with value and attempt", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline
      .decode(text)
      .use(async ({ value, attempt, key }, next) => {
        stage.log.push(`in ${value} ${attempt} ${key}`);
        const outcome = await next();
        stage.log.push(`out ${outcome.kind}`);
        return outcome;
      })
      .use((_context, next) => next())
      .workers(
        2,
        by((value) => `k-${value}`),
      )
      .handle((_value, { attempt }) => {
        if (attempt === 1) throw new Error("again");
      });
    await stage.clock.advance(100);
    expect(stage.log).toEqual(["in a 1 k-a", "out failure", "in a 2 k-a", "out ack"]);
    expect(run.stats).toMatchObject({ failures: 1, retries: 1, handled: 1 });
    await run.stop();
  });

  it("number the workers from 0", async () => {
    const stage = new Stage();
    stage.deliver("a b c");
    const run = stage.pipeline.workers(3).handle((_message, { worker }) => {
      stage.log.push(String(worker));
      return never();
    });
    await stage.clock.flush();
    expect(stage.log).toEqual(["0", "1", "2"]);
    void run.stop({ deadlineMs: 0 });
    await stage.clock.advance(0);
    await run.done;
  });
});

describe("how much is in flight", () => {
  const delivered = 2_000;

  async function inFlight(shape: (given: Pipeline<RecordingMessage, RecordingMessage, false>) => unknown) {
    const clock = new VirtualClock();
    const messages = Array.from({ length: delivered }, () => new RecordingMessage({ partitionKey: "k" }));
    const subscriber = new ScriptedSubscriber({ clock }).deliver(...messages);
    const shaped = shape(pipeline(subscriber, { clock })) as Pipeline<Message, unknown, false>;
    const run = shaped.handle(never);
    await clock.flush();
    const { pulled, running } = run.stats;
    void run.stop({ deadlineMs: 0 });
    await clock.advance(0);
    await run.done;
    return { pulled, running };
  }

  it("is bounded by the workers without a key, and by room for slow keys with one", async () => {
    expect(await inFlight((given) => given)).toEqual({ pulled: 1, running: 1 });
    expect(await inFlight((given) => given.workers(5))).toEqual({ pulled: 5, running: 5 });
    expect(await inFlight((given) => given.workers(5, byKey))).toEqual({ pulled: 256, running: 1 });
    expect(await inFlight((given) => given.workers(20, byKey))).toEqual({ pulled: 640, running: 1 });
  });

  it("is bounded as told", async () => {
    const bounded = (maxInFlight: number) => inFlight((given) => given.workers(5, byKey, { maxInFlight }));
    expect(await bounded(5)).toEqual({ pulled: 5, running: 1 });
    expect(await bounded(Number.POSITIVE_INFINITY)).toEqual({ pulled: delivered, running: 1 });
  });

  it("is what the subscription allows too, and workers that stay idle for it are named at the start", async () => {
    const warned = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    for (const workers of [4, 5]) {
      const stage = new Stage({ maxInFlight: 4 });
      await stage.pipeline
        .workers(workers)
        .handle(() => undefined)
        .stop();
    }
    expect(warned.mock.calls.map(([text]) => text)).toEqual([
      'workers(5) over "orders", which delivers 4 at once: 1 workers stay idle. Raise its prefetch.',
    ]);
    warned.mockRestore();
  });

  it.each([
    [{ timeoutMs: -1 }, "handle: timeoutMs"],
    [{ timeoutMs: "5" }, "handle: timeoutMs"],
    [{ onTimeout: "kill" }, "handle: onTimeout"],
  ])("handle(fn, %j) is refused", (options, name) => {
    expect(refusal(() => steps()["handle"]?.(() => undefined, options))).toContain(name);
  });
});
