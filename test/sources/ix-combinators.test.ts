/**
 * What ix 7.0.0 does where the contract of a subscriber asks something of it, and so what of it src/sources is built on.
 * A subscriber's iterator resolves a waiting `next()` on `return()`, lets go of its source on `break`, pulls nothing
 * ahead of demand beyond a stated bound, and loses nothing. When one of these tests fails after an update of ix, the
 * choice it explains may be made again.
 */

import { from } from "ix/asynciterable/asynciterablex";
import { AsyncSink } from "ix/asynciterable/asyncsink";
import { merge } from "ix/asynciterable/merge";
import { buffer } from "ix/asynciterable/operators/buffer";
import { bufferCountOrTime } from "ix/asynciterable/operators/buffercountortime";
import { filter } from "ix/asynciterable/operators/filter";
import { map } from "ix/asynciterable/operators/map";
import { take } from "ix/asynciterable/operators/take";
import { withAbort } from "ix/asynciterable/operators/withabort";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";

const clock = new VirtualClock();
const pending = "still waiting";

/** What a promise has come to once everything runnable has run. */
async function outcome<T>(promise: Promise<T>): Promise<T | typeof pending> {
  const sentinel: { value: T | typeof pending } = { value: pending };
  void promise.then((value) => {
    sentinel.value = value;
  });
  await clock.flush();
  return sentinel.value;
}

function messages(prefix: string, count: number): RecordingMessage[] {
  return Array.from({ length: count }, (_, index) => new RecordingMessage({ payload: `${prefix}${index}` }));
}

function iterate<T>(iterable: AsyncIterable<T>): Required<Pick<AsyncIterator<T>, "next" | "return">> {
  const iterator = iterable[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    return: () => iterator.return?.() ?? Promise.reject(new Error("no return()")),
  };
}

describe("ix merge: not used, see src/sources/merged.ts", () => {
  it("leaves a waiting next() waiting when return() is called, and return() with it", async () => {
    const [left, right] = [new ScriptedSubscriber(), new ScriptedSubscriber()];
    const merged = iterate(merge(left, right));
    const next = merged.next();
    const returned = merged.return();
    expect(await outcome(next)).toBe(pending);
    expect(await outcome(returned)).toBe(pending);
  });

  it("takes what comes after return() and hands it to nobody who asks", async () => {
    const [left, right] = [new ScriptedSubscriber(), new ScriptedSubscriber()];
    const merged = iterate(merge(left, right));
    const next = merged.next();
    const returned = merged.return();
    left.deliver(...messages("a", 3));
    await Promise.all([next, returned]);
    // The cancelled next() got a0, and a1 was pulled behind it and is gone.
    expect((await next).value?.text()).toBe("a0");
    expect(left.pulled).toHaveLength(2);
  });

  it("does not return its sources on break: they stay busy for ever", async () => {
    const [left, right] = [new ScriptedSubscriber().deliver(...messages("a", 1)), new ScriptedSubscriber()];
    for await (const _ of merge(left, right)) break;
    await clock.flush();
    expect([left.iterating, right.iterating]).toEqual([true, true]);
    expect([left.waiting, right.waiting]).toEqual([1, 1]);
  });

  it("pulls the next of a source before this one is handed out, and loses it on break", async () => {
    const [left, right] = [
      new ScriptedSubscriber().deliver(...messages("a", 5)),
      new ScriptedSubscriber().deliver(...messages("b", 5)),
    ];
    const seen: string[] = [];
    for await (const message of merge(left, right)) {
      seen.push(message.text());
      break;
    }
    expect(seen).toEqual(["a0"]);
    expect([left, right].flatMap(({ pulled }) => pulled.map((message) => message.text()))).toEqual([
      "a0",
      "a1",
      "b0",
    ]);
  });
});

describe("ix buffer: not used, see src/sources/buffered.ts", () => {
  it("pulls no more than its batch, and lets go of the source on break", async () => {
    const source = new ScriptedSubscriber().deliver(...messages("a", 5));
    for await (const batch of from(source).pipe(buffer(2))) {
      expect(batch).toHaveLength(2);
      break;
    }
    expect([source.pulled.length, source.iterating]).toEqual([2, false]);
  });

  it("leaves a waiting next() and its return() waiting, with what it collected", async () => {
    const source = new ScriptedSubscriber().deliver(...messages("a", 2));
    const batches = iterate(from(source).pipe(buffer(3)));
    const next = batches.next();
    const returned = batches.return();
    expect(await outcome(next)).toBe(pending);
    expect(await outcome(returned)).toBe(pending);
    expect([source.pulled.length, source.ready]).toEqual([2, 0]);
  });

  it("has no bound in time, and loses what it collected when the source fails", async () => {
    const source = new ScriptedSubscriber().deliver(...messages("a", 2)).fail(new Error("gone"));
    await expect(iterate(from(source).pipe(buffer(3))).next()).rejects.toThrow("gone");
    expect(source.pulled).toHaveLength(2);
  });
});

describe("ix bufferCountOrTime: not used, see src/sources/buffered.ts", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("goes by timers of its own, which run from the first pull and not from a batch's first message", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const source = new ScriptedSubscriber();
    const next = iterate(from(source).pipe(bufferCountOrTime(10, 100))).next();
    await clock.flush();
    await vi.advanceTimersByTimeAsync(99);
    source.deliver(...messages("a", 1));
    await clock.flush();
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome(next)).toMatchObject({ value: [{}] });
  });

  it("keeps its timer and its source after break", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const source = new ScriptedSubscriber().deliver(...messages("a", 2));
    for await (const _ of from(source).pipe(bufferCountOrTime(2, 100))) break;
    await clock.flush();
    expect(vi.getTimerCount()).toBe(1);
    expect([source.iterating, source.waiting]).toEqual([true, 1]);
  });

  it("pulls ahead of the batch, and loses what it pulled on break", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const source = new ScriptedSubscriber().deliver(...messages("a", 5));
    for await (const batch of from(source).pipe(bufferCountOrTime(2, 100))) {
      expect(batch).toHaveLength(2);
      break;
    }
    await clock.flush();
    expect(source.pulled).toHaveLength(3);
  });
});

describe("ix from, map, filter, take: for pipelines over a subscriber, not under one", () => {
  it("pull one at a time, on demand, and let go of the source on break", async () => {
    const source = new ScriptedSubscriber().deliver(...messages("a", 5));
    const pipeline = from(source).pipe(
      filter((message) => message.text() !== "a0"),
      map((message) => message.text()),
    );
    for await (const text of pipeline) {
      expect(text).toBe("a1");
      break;
    }
    expect([source.pulled.length, source.iterating]).toEqual([2, false]);
  });

  it("take lets go of the source without one pull more", async () => {
    const source = new ScriptedSubscriber().deliver(...messages("a", 5));
    const seen: string[] = [];
    for await (const message of from(source).pipe(take(2))) seen.push(message.text());
    expect(seen).toEqual(["a0", "a1"]);
    expect([source.pulled.length, source.ready, source.iterating]).toEqual([2, 3, false]);
  });

  it("leave a waiting next() waiting on return(): a subscriber cannot be made of them", async () => {
    const source = new ScriptedSubscriber();
    const mapped = iterate(from(source).pipe(map((message) => message.text())));
    const next = mapped.next();
    const returned = mapped.return();
    expect(await outcome(next)).toBe(pending);
    expect(await outcome(returned)).toBe(pending);
    await source.close();
    expect(await outcome(next)).toEqual({ done: true, value: undefined });
    expect(await outcome(returned)).toEqual({ done: true, value: undefined });
  });

  it("withAbort does not help: its signal is heard between messages, not while one is waited for", async () => {
    const source = new ScriptedSubscriber();
    const controller = new AbortController();
    const next = iterate(from(source).pipe(withAbort(controller.signal))).next();
    await clock.flush();
    controller.abort();
    expect(await outcome(next)).toBe(pending);
  });
});

describe("ix AsyncSink: used, see src/structures/outlet.ts", () => {
  it("answers in the order asked", async () => {
    const sink = new AsyncSink<string>();
    const answers = Promise.all([sink.next(), sink.next()]);
    sink.write("a");
    sink.write("b");
    expect((await answers).map(({ value }) => value)).toEqual(["a", "b"]);
  });

  it("resolves every waiting next() with done on end()", async () => {
    const sink = new AsyncSink<string>();
    const answers = Promise.all([sink.next(), sink.next()]);
    sink.end();
    expect((await answers).map(({ done }) => done)).toEqual([true, true]);
    expect((await sink.next()).done).toBe(true);
  });

  it("hands out what was written before end() first", async () => {
    const sink = new AsyncSink<string>();
    sink.write("a");
    sink.end();
    expect(await sink.next()).toEqual({ done: false, value: "a" });
    expect((await sink.next()).done).toBe(true);
  });

  it("tells an error to one next() alone, in its turn", async () => {
    const sink = new AsyncSink<string>();
    const answers = Promise.allSettled([sink.next(), sink.next(), sink.next()]);
    sink.write("a");
    sink.error(new Error("gone"));
    sink.end();
    expect((await answers).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("refuses a write after end(), so that none is lost in silence", () => {
    const sink = new AsyncSink<string>();
    sink.end();
    expect(() => sink.write("a")).toThrow("already ended");
  });
});
