import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { type BufferedSubscriber, buffered } from "../../src/sources/buffered.ts";
import { type RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import type { SubscriptionSource } from "../../src/traits/broker.ts";
import { SubscriberBusyError } from "../../src/traits/errors.ts";
import type { BatchSubscriber } from "../../src/traits/subscriber.ts";
import {
  message,
  messages,
  outcome,
  plain,
  ScriptedConnection,
  scriptedSource,
  texts,
} from "./setup/doubles.ts";

type Batches = AsyncIterator<RecordingMessage[], undefined>;

function open(
  subscriber: BufferedSubscriber<RecordingMessage>,
  options?: { max?: number; maxWaitMs?: number },
): Batches {
  return subscriber.batches(options)[Symbol.asyncIterator]();
}

async function nextBatch(batches: Batches): Promise<string[] | "done"> {
  const result = await batches.next();
  return result.done ? "done" : texts(result.value);
}

describe("buffered batches", () => {
  it("closes a batch when it is full, without any time", async () => {
    const clock = new VirtualClock();
    for (const wrap of [(one: ScriptedSubscriber) => one, plain]) {
      const source = new ScriptedSubscriber().deliver(...messages("a", 5));
      const batches = open(buffered(wrap(source), { max: 2, maxWaitMs: 100, clock }));
      expect(await nextBatch(batches)).toEqual(["a0", "a1"]);
      expect(await nextBatch(batches)).toEqual(["a2", "a3"]);
      expect(clock.timers).toBe(0);
    }
  });

  it("closes a batch maxWaitMs after its first message, and never empty", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber({ clock })
      .wait(250)
      .deliver(message("a0"))
      .wait(60)
      .deliver(message("a1"));
    const next = nextBatch(open(buffered(source, { max: 3, maxWaitMs: 100, clock })));
    await clock.advance(349);
    expect(await outcome(clock, next)).toBe("waiting");
    await clock.advance(1);
    expect(await outcome(clock, next)).toEqual({ value: ["a0", "a1"] });
    expect(clock.timers).toBe(0);
  });

  it("has a deadline of its own for every batch", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber({ clock });
    for (let count = 0; count < 6; count += 1) source.wait(40).deliver(message(`a${count}`));
    const closed: string[] = [];
    const loop = (async () => {
      for await (const batch of buffered(source, { max: 9, maxWaitMs: 100, clock }).batches()) {
        closed.push(`${texts(batch).join("")}@${clock.now()}`);
      }
    })();
    await clock.advance(1_000);
    expect(closed).toEqual(["a0a1a2@140", "a3a4a5@260"]);
    await source.close();
    await loop;
  });

  it("takes the options of batches() over its own", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber().deliver(...messages("a", 5));
    const subscriber = buffered(source, { max: 2, maxWaitMs: 100, clock });
    const batches = open(subscriber, { max: 4, maxWaitMs: 7 });
    expect(await nextBatch(batches)).toEqual(["a0", "a1", "a2", "a3"]);
    const next = nextBatch(batches);
    await clock.advance(7);
    expect(await outcome(clock, next)).toEqual({ value: ["a4"] });
  });

  it("waits 10 ms when nobody says how long", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber().deliver(...messages("a", 1));
    const next = nextBatch(open(buffered(source, { max: 2, clock })));
    await clock.advance(9.5);
    expect(await outcome(clock, next)).toBe("waiting");
    await clock.advance(0.5);
    expect(await outcome(clock, next)).toEqual({ value: ["a0"] });
  });

  it("hands out what is here when maxWaitMs is 0", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber().deliver(...messages("a", 3));
    const batches = open(buffered(source, { max: 9, maxWaitMs: 0, clock }));
    expect(await nextBatch(batches)).toEqual(["a0", "a1", "a2"]);
  });

  it("holds one message at most between batches", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber({ clock }).deliver(message("a0"));
    const batches = open(buffered(source, { max: 3, maxWaitMs: 100, clock }));
    const next = nextBatch(batches);
    await clock.advance(100);
    expect(await next).toEqual(["a0"]);
    source.deliver(message("a1"), message("a2"), message("a3"));
    await clock.advance(500);
    expect(texts(source.pulled)).toEqual(["a0", "a1"]);
    expect(await nextBatch(batches)).toEqual(["a1", "a2", "a3"]);
  });

  it("counts the wait of a message it held from its arrival", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber({ clock }).deliver(message("a0"));
    const batches = open(buffered(source, { max: 3, maxWaitMs: 100, clock }));
    const first = nextBatch(batches);
    await clock.advance(100);
    expect(await first).toEqual(["a0"]);
    source.deliver(message("a1"));
    await clock.advance(70);
    const second = nextBatch(batches);
    await clock.advance(29);
    expect(await outcome(clock, second)).toBe("waiting");
    await clock.advance(1);
    expect(await outcome(clock, second)).toEqual({ value: ["a1"] });
  });

  it("loses nothing on return(): what was collected goes to the next iterator, of either kind", async () => {
    const clock = new VirtualClock();
    const source = new ScriptedSubscriber().deliver(...messages("a", 3));
    const subscriber = buffered(source, { max: 5, maxWaitMs: 100, clock });
    const first = open(subscriber);
    const waiting = first.next();
    await clock.flush();
    await first.return?.();
    expect((await waiting).done).toBe(true);
    expect([clock.timers, source.iterating, source.waiting]).toEqual([0, false, 0]);

    const single = subscriber[Symbol.asyncIterator]();
    expect((await single.next()).value?.text()).toBe("a0");
    await single.return();
    // The first of these came longer than maxWaitMs ago, so the batch is due at once.
    await clock.advance(100);
    expect(await nextBatch(open(subscriber))).toEqual(["a1", "a2"]);
  });

  it("hands out what it has when the source ends, then is over", async () => {
    const source = new ScriptedSubscriber().deliver(...messages("a", 3)).end();
    const batches = open(buffered(source, { max: 2, clock: new VirtualClock() }));
    expect(await nextBatch(batches)).toEqual(["a0", "a1"]);
    expect(await nextBatch(batches)).toEqual(["a2"]);
    expect(await nextBatch(batches)).toBe("done");
  });

  it("hands out what it has when the source fails, then rejects once with that error", async () => {
    const broken = new Error("gone");
    const source = new ScriptedSubscriber().deliver(...messages("a", 2)).fail(broken);
    const subscriber = buffered(source, { max: 5, clock: new VirtualClock() });
    const batches = open(subscriber);
    expect(await nextBatch(batches)).toEqual(["a0", "a1"]);
    await expect(batches.next()).rejects.toBe(broken);
    expect(await nextBatch(batches)).toBe("done");
    expect(await nextBatch(open(subscriber))).toBe("done");
  });

  it("does not hand out what was revoked while it was held", async () => {
    const clock = new VirtualClock();
    const [revoked, kept, last] = [message("revoked"), message("kept"), message("last")];
    const source = new ScriptedSubscriber().deliver(revoked, kept);
    const batches = open(buffered(source, { max: 3, maxWaitMs: 100, clock }));
    const next = nextBatch(batches);
    await clock.flush();
    revoked.revoke();
    source.deliver(last);
    await clock.advance(100);
    expect(await outcome(clock, next)).toEqual({ value: ["kept", "last"] });
  });

  it("waits on when all it held was revoked", async () => {
    const clock = new VirtualClock();
    const revoked = message("revoked");
    const source = new ScriptedSubscriber().deliver(revoked);
    const next = nextBatch(open(buffered(source, { max: 3, maxWaitMs: 100, clock })));
    await clock.flush();
    revoked.revoke();
    await clock.advance(200);
    expect(await outcome(clock, next)).toBe("waiting");
    source.deliver(message("kept"));
    await clock.advance(100);
    expect(await outcome(clock, next)).toEqual({ value: ["kept"] });
  });

  it("closes: the waiting next() ends, the timer goes, what was held goes back", async () => {
    const clock = new VirtualClock();
    const held = message("held");
    const source = new ScriptedSubscriber().deliver(held);
    const subscriber = buffered(source, { max: 3, maxWaitMs: 100, clock });
    const next = nextBatch(open(subscriber));
    await clock.flush();
    expect(clock.timers).toBe(1);
    await Promise.all([subscriber.close(), subscriber.close()]);
    expect(await next).toBe("done");
    expect([clock.timers, source.closed]).toEqual([0, true]);
    expect(held.revoked).toBeDefined();
    expect(await nextBatch(open(subscriber))).toBe("done");
  });

  it("has one iterator at a time, of either kind", async () => {
    const subscriber = buffered(new ScriptedSubscriber({ topic: "orders" }), { max: 3 });
    const batches = open(subscriber);
    expect(() => subscriber[Symbol.asyncIterator]()).toThrow(SubscriberBusyError);
    await batches.return?.();
    const single = subscriber[Symbol.asyncIterator]();
    expect(() => open(subscriber)).toThrow('"orders" already has an active iterator');
    await single.return();
    open(subscriber);
  });

  it("is a subscriber of single messages too, with the fast path", async () => {
    const source = new ScriptedSubscriber().deliver(...messages("a", 6));
    const subscriber = buffered(source, { max: 3 });
    const iterator = subscriber[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.text()).toBe("a0");
    expect(texts(iterator.takeReady?.(3) ?? [])).toEqual(["a1", "a2", "a3"]);
    const ahead = [iterator.next(), iterator.next(), iterator.next()];
    expect(iterator.takeReady?.(3)).toEqual([]);
    source.deliver(message("a6"));
    expect((await Promise.all(ahead)).map(({ value }) => value?.text())).toEqual(["a4", "a5", "a6"]);
  });

  it("refuses sizes and times that are none", () => {
    const source = new ScriptedSubscriber();
    expect(() => buffered(source, { max: 0 })).toThrow(
      "buffered({ max }) must be a whole number of at least 1",
    );
    expect(() => buffered(source, { max: 1, maxWaitMs: -1 })).toThrow("buffered({ maxWaitMs }) must be");
    const subscriber = buffered(source, { max: 1 });
    expect(() => subscriber.batches({ max: 1.5 })).toThrow("batches({ max }) must be");
    expect(() => subscriber.batches({ maxWaitMs: Number.NaN })).toThrow("batches({ maxWaitMs }) must be");
  });

  it("claims batches, and not what it hides", () => {
    const source = new ScriptedSubscriber({ capabilities: { seek: true, pause: true, maxInFlight: 5 } });
    expect(buffered(source, { max: 3 }).capabilities).toEqual({
      ...source.capabilities,
      batches: true,
      seek: false,
      pause: false,
    });
  });

  it("keeps every promise at once, whatever comes and whoever pulls", async () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constant("next" as const), count: fc.integer({ min: 1, max: 2 }) }),
      fc.record({ do: fc.constant("advance" as const), count: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ do: fc.constant("tick" as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({
        do: fc.constant("reiterate" as const),
        awaited: fc.boolean(),
        max: fc.integer({ min: 1, max: 5 }),
        single: fc.boolean(),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(action, { maxLength: 40 }), async (fast, actions) => {
        const clock = new VirtualClock();
        const source = new ScriptedSubscriber({ clock });
        const subscriber = buffered(fast ? source : plain(source, 1), { max: 3, maxWaitMs: 20, clock });
        let limit = 3;
        let iterator = unify(subscriber, limit, false);
        let made = 0;
        // In the order of the calls, which is the order that is promised.
        const answers: Promise<string[]>[] = [];
        const returns: Promise<unknown>[] = [];
        const check = (max: number) => (batch: RecordingMessage[] | undefined) => {
          if (batch === undefined) return [];
          expect(batch.length).toBeGreaterThan(0);
          expect(batch.length).toBeLessThanOrEqual(max);
          return texts(batch);
        };
        for (const step of actions) {
          if (step.do === "deliver") {
            for (let left = step.count; left > 0; left -= 1) {
              source.deliver(message(`a${made}`));
              made += 1;
            }
          }
          if (step.do === "next") {
            for (let left = step.count; left > 0; left -= 1) answers.push(iterator.next().then(check(limit)));
          }
          if (step.do === "advance") await clock.advance(step.count);
          if (step.do === "tick") for (let left = step.count; left > 0; left -= 1) await Promise.resolve();
          if (step.do === "reiterate") {
            const returned = iterator.return();
            if (step.awaited) await returned;
            else returns.push(returned);
            limit = step.single ? 1 : step.max;
            iterator = unify(subscriber, limit, step.single);
          }
          expect(source.waiting).toBeLessThanOrEqual(1);
        }
        await iterator.return();
        await Promise.all(returns);
        const seen = (await Promise.all(answers)).flat();
        expect([clock.timers, source.iterating]).toEqual([0, false]);
        source.end();
        for await (const batch of subscriber.batches()) seen.push(...texts(batch));
        expect(seen).toEqual(Array.from({ length: made }, (_, index) => `a${index}`));
      }),
      { numRuns: 300 },
    );
  });

  it("answers a waiting next() by the deadline of the first message, to the millisecond", async () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(gaps, fc.integer({ min: 1, max: 5 }), fc.boolean(), async (delays, max, fast) => {
        const clock = new VirtualClock();
        const source = new ScriptedSubscriber({ clock });
        const times: number[] = [];
        let at = 0;
        for (const [index, delay] of delays.entries()) {
          at += delay;
          times.push(at);
          source.wait(delay).deliver(message(String(index)));
        }
        const got: { at: number; indexes: number[] }[] = [];
        const loop = (async () => {
          for await (const batch of buffered(fast ? source : plain(source), {
            max,
            maxWaitMs: 20,
            clock,
          }).batches()) {
            got.push({ at: clock.now(), indexes: texts(batch).map(Number) });
          }
        })();
        await clock.advance(at + 20);
        expect(got.flatMap(({ indexes }) => indexes)).toEqual(times.map((_, index) => index));
        for (const batch of got) {
          const first = times[batch.indexes[0] ?? 0] ?? 0;
          const last = times[batch.indexes.at(-1) ?? 0] ?? 0;
          expect(batch.at).toBe(batch.indexes.length === max ? last : first + 20);
        }
        await source.close();
        await loop;
      }),
      { numRuns: 100 },
    );
  });
});

describe("buffered sources", () => {
  it("opens into a batch subscriber", async () => {
    const clock = new VirtualClock();
    const connection = new ScriptedConnection(clock);
    const plainSource = scriptedSource("a", new ScriptedSubscriber().capabilities);
    const source = buffered(plainSource, { max: 2, clock });
    expect([source.topic, source.capabilities.batches]).toEqual(["a", true]);
    const subscriber = await connection.subscribe(source);
    connection.opened.get("a")?.deliver(...messages("a", 2));
    expect(await nextBatch(open(subscriber))).toEqual(["a0", "a1"]);
    expectTypeOf(source).toEqualTypeOf<
      SubscriptionSource<ScriptedConnection, BufferedSubscriber<RecordingMessage>>
    >();
    expectTypeOf(subscriber).toExtend<BatchSubscriber<RecordingMessage>>();
    expectTypeOf(buffered(new ScriptedSubscriber(), { max: 2 })).toEqualTypeOf<
      BufferedSubscriber<RecordingMessage>
    >();
  });
});

interface Unified {
  next(): Promise<RecordingMessage[] | undefined>;
  return(): Promise<unknown>;
}

/** Either kind of iterator as one of batches. */
function unify(subscriber: BufferedSubscriber<RecordingMessage>, max: number, single: boolean): Unified {
  if (!single) {
    const batches = open(subscriber, { max });
    return {
      next: async () => (await batches.next()).value,
      return: async () => batches.return?.(),
    };
  }
  const one = subscriber[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { value } = await one.next();
      return value && [value];
    },
    return: () => one.return(),
  };
}
