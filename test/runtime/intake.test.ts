import { describe, expect, it } from "vitest";
import { Intake } from "../../src/runtime/intake.ts";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import { deferred } from "../../src/traits/deferred.ts";
import type { SubscriberIterator } from "../../src/traits/subscriber.ts";

type Answer = Promise<IteratorResult<RecordingMessage, undefined>>;

const { flush } = new VirtualClock();
const message = new RecordingMessage();
const done = { done: true, value: undefined } as const;

/** An iterator that is pulled by hand, and counts. */
class HandIterator implements SubscriberIterator<RecordingMessage> {
  /** What `next()` is answered, in turn; without one it waits. */
  readonly answers: (() => Answer)[] = [];
  waiting = 0;
  mostWaiting = 0;
  calls = 0;
  returned = 0;

  async next(): Answer {
    this.calls += 1;
    this.waiting += 1;
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
    try {
      return await (this.answers.shift() ?? (() => deferred<typeof done>().promise))();
    } finally {
      this.waiting -= 1;
    }
  }

  async return(): Answer {
    this.returned += 1;
    return done;
  }
}

/** An intake as a run would use it, with `room` for so many. */
class Bench {
  room = Number.POSITIVE_INFINITY;
  readonly admitted: RecordingMessage[] = [];
  readonly ended: unknown[] = [];
  readonly intake: Intake<RecordingMessage>;
  admission: Promise<void> | undefined;

  constructor(iterator: SubscriberIterator<RecordingMessage>, most = Number.POSITIVE_INFINITY) {
    const admit = (admitted: RecordingMessage): Promise<void> | undefined => {
      this.admitted.push(admitted);
      this.room -= 1;
      return this.admission;
    };
    const ended = (error: unknown): void => void this.ended.push(error);
    this.intake = new Intake(
      iterator,
      { room: () => this.room, admit, pump: () => this.pump(), ended },
      most,
    );
  }

  pump(): void {
    while (this.intake.takeSome());
  }
}

describe("Intake", () => {
  it("takes room before it pulls: without room nothing is asked for", async () => {
    const subscriber = new ScriptedSubscriber().deliver(message, new RecordingMessage());
    const bench = new Bench(subscriber[Symbol.asyncIterator]());
    bench.room = 0;
    bench.pump();
    expect([subscriber.pulled.length, subscriber.waiting]).toEqual([0, 0]);
    bench.room = 1;
    bench.pump();
    await flush();
    expect([subscriber.pulled.length, subscriber.waiting, bench.admitted.length]).toEqual([1, 0, 1]);
  });

  it("never has more than one next() waiting, however often it is pumped", async () => {
    const iterator = new HandIterator();
    const first = deferred<{ done: false; value: RecordingMessage }>();
    iterator.answers.push(() => first.promise);
    const bench = new Bench(iterator);
    for (let times = 0; times < 5; times += 1) bench.pump();
    await flush();
    expect(iterator.calls).toBe(1);
    first.resolve({ done: false, value: message });
    await flush();
    expect([bench.admitted.length, iterator.calls, iterator.mostWaiting]).toEqual([1, 2, 1]);
  });

  it("takes what is ready without waiting, as far as there is room", () => {
    const subscriber = new ScriptedSubscriber().deliver(...[0, 1, 2, 3].map(() => new RecordingMessage()));
    const bench = new Bench(subscriber[Symbol.asyncIterator]());
    bench.room = 3;
    bench.pump();
    expect([bench.admitted.length, subscriber.ready]).toEqual([3, 1]);
  });

  it("lets timers and I/O in while a source that is always ready is consumed", async () => {
    // Long, rather than endless, so that an intake that starves the timers fails this test instead of hanging it.
    const last = 1_000_000;
    const source = (from: Bench): SubscriberIterator<RecordingMessage> => ({
      next: async () => (from.admitted.length < last ? { done: false, value: message } : done),
      return: async () => done,
      takeReady: (max) => (from.admitted.length < last ? new Array(Math.min(max, 64)).fill(message) : []),
    });
    for (const fast of [true, false]) {
      const bench: Bench = new Bench({
        next: () => iterator.next(),
        return: () => iterator.return(),
        ...(fast ? { takeReady: (max: number) => iterator.takeReady?.(max) ?? [] } : {}),
      });
      const iterator = source(bench);
      const fired = new Promise<number>((resolve) => setTimeout(() => resolve(bench.admitted.length), 1));
      bench.pump();
      expect(await fired).toBeLessThan(last);
      await bench.intake.close();
    }
  });

  it("waits for an admission that has to wait, and takes nothing beside it", async () => {
    const subscriber = new ScriptedSubscriber().deliver(message, new RecordingMessage());
    const bench = new Bench(subscriber[Symbol.asyncIterator](), 1);
    const gate = deferred<void>();
    bench.admission = gate.promise;
    bench.pump();
    await flush();
    expect([bench.admitted.length, subscriber.pulled.length]).toEqual([1, 1]);
    bench.admission = undefined;
    gate.resolve();
    await flush();
    expect([bench.admitted.length, subscriber.waiting]).toEqual([2, 1]);
  });

  it("says once that the stream is over, and pulls no more", async () => {
    const iterator = new HandIterator();
    iterator.answers.push(async () => done);
    const bench = new Bench(iterator);
    bench.pump();
    await flush();
    bench.pump();
    expect([bench.ended, iterator.calls]).toEqual([[undefined], 1]);
    await bench.intake.close();
    expect([bench.ended.length, iterator.returned]).toEqual([1, 0]);
  });

  it.each(["next rejects", "next throws", "takeReady throws"])("says what ended it: %s", async (how) => {
    const cause = new Error("gone");
    const raise = (): never => {
      throw cause;
    };
    const iterator: SubscriberIterator<RecordingMessage> = {
      next: how === "next throws" ? raise : () => Promise.reject(cause),
      return: () => Promise.resolve(done),
      ...(how === "takeReady throws" ? { takeReady: raise } : {}),
    };
    const bench = new Bench(iterator);
    bench.pump();
    await flush();
    bench.pump();
    expect(bench.ended).toEqual([{ cause }]);
  });

  it("returns the iterator when it is closed, once, and asks for nothing afterwards", async () => {
    const subscriber = new ScriptedSubscriber();
    const bench = new Bench(subscriber[Symbol.asyncIterator]());
    bench.pump();
    expect(subscriber.waiting).toBe(1);
    await bench.intake.close();
    await bench.intake.close();
    subscriber.deliver(message);
    bench.pump();
    await flush();
    expect([bench.admitted.length, subscriber.ready, subscriber.iterating]).toEqual([0, 1, false]);
    expect(bench.ended).toEqual([]);
  });

  it("takes in what was handed out as it closed, and is closed only then", async () => {
    const iterator = new HandIterator();
    const answer = deferred<{ done: false; value: RecordingMessage }>();
    iterator.answers.push(() => answer.promise);
    const bench = new Bench(iterator);
    bench.pump();
    let closed = false;
    const closing = bench.intake.close().then(() => {
      closed = true;
    });
    await flush();
    expect([iterator.returned, closed]).toEqual([1, false]);
    answer.resolve({ done: false, value: message });
    await closing;
    expect(bench.admitted).toEqual([message]);
    expect(iterator.calls).toBe(1);
  });
});
