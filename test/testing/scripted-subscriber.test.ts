import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import { DeliveryRevokedError, SubscriberBusyError } from "../../src/traits/errors.ts";

const named = (name: string): RecordingMessage => new RecordingMessage({ payload: name });
const texts = (messages: readonly RecordingMessage[]): string[] => messages.map((message) => message.text());

describe("ScriptedSubscriber", () => {
  it("plays deliver, wait and end on the clock", async () => {
    const clock = new VirtualClock();
    const subscriber = new ScriptedSubscriber({ clock })
      .deliver(named("a"), named("b"))
      .wait(100)
      .deliver(named("c"))
      .wait(50)
      .end();
    const seen: string[] = [];
    const loop = (async () => {
      for await (const message of subscriber) seen.push(`${message.text()}@${clock.now()}`);
      seen.push(`end@${clock.now()}`);
    })();
    await clock.flush();
    expect(seen).toEqual(["a@0", "b@0"]);
    await clock.advance(1_000);
    await loop;
    expect(seen).toEqual(["a@0", "b@0", "c@100", "end@150"]);
    expect(texts(subscriber.pulled)).toEqual(["a", "b", "c"]);
  });

  it("runs its script whether anybody pulls or not", async () => {
    const clock = new VirtualClock();
    const subscriber = new ScriptedSubscriber({ clock }).wait(10).deliver(named("a"));
    await clock.advance(10);
    expect([subscriber.ready, subscriber.pulled.length]).toEqual([1, 0]);
  });

  it("hands out what came before a failure, rejects once with that very error, then is over", async () => {
    const broken = new Error("gone");
    const subscriber = new ScriptedSubscriber().deliver(named("a")).fail(broken);
    const iterator = subscriber[Symbol.asyncIterator]();
    expect((await iterator.next()).value?.text()).toBe("a");
    await expect(iterator.next()).rejects.toBe(broken);
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await subscriber[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });

  it("keeps a failure nobody has seen for the next iterator", async () => {
    const subscriber = new ScriptedSubscriber();
    const first = subscriber[Symbol.asyncIterator]();
    await first.return();
    subscriber.fail(new Error("gone"));
    expect(await first.next()).toEqual({ done: true, value: undefined });
    await expect(subscriber[Symbol.asyncIterator]().next()).rejects.toThrow("gone");
  });

  it("rejects one of several waiting next(), and ends the others", async () => {
    const subscriber = new ScriptedSubscriber();
    const iterator = subscriber[Symbol.asyncIterator]();
    const answers = Promise.allSettled([iterator.next(), iterator.next(), iterator.next()]);
    subscriber.deliver(named("a")).fail(new Error("gone"));
    expect((await answers).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("refuses a second iterator while the first is active", async () => {
    const subscriber = new ScriptedSubscriber({ topic: "orders" });
    const first = subscriber[Symbol.asyncIterator]();
    expect(() => subscriber[Symbol.asyncIterator]()).toThrow(SubscriberBusyError);
    await first.return();
    expect(subscriber.iterating).toBe(false);
    subscriber[Symbol.asyncIterator]();
    expect(subscriber.iterating).toBe(true);
  });

  it("resolves waiting next() with done on return, having taken nothing", async () => {
    const subscriber = new ScriptedSubscriber();
    const first = subscriber[Symbol.asyncIterator]();
    const waiting = [first.next(), first.next()];
    expect(subscriber.waiting).toBe(2);
    await first.return();
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    subscriber.deliver(named("a"));
    expect(subscriber.ready).toBe(1);
    expect((await subscriber[Symbol.asyncIterator]().next()).value?.text()).toBe("a");
  });

  it("takes what is ready without waiting, and nothing while a next() waits", async () => {
    const subscriber = new ScriptedSubscriber().deliver(named("a"), named("b"), named("c"));
    const iterator = subscriber[Symbol.asyncIterator]();
    expect(texts(iterator.takeReady?.(2) ?? [])).toEqual(["a", "b"]);
    expect(texts(iterator.takeReady?.(2) ?? [])).toEqual(["c"]);
    expect(iterator.takeReady?.(2)).toEqual([]);
    const next = iterator.next();
    expect(iterator.takeReady?.(2)).toEqual([]);
    subscriber.deliver(named("d"), named("e"));
    expect((await next).value?.text()).toBe("d");
    expect(texts(subscriber.pulled)).toEqual(["a", "b", "c", "d"]);
  });

  it("ends on close: waiting next(), timers, unsettled messages", async () => {
    const clock = new VirtualClock();
    const [acked, open] = [named("acked"), named("open")];
    const subscriber = new ScriptedSubscriber({ clock }).deliver(acked, open).wait(10).deliver(named("late"));
    const iterator = subscriber[Symbol.asyncIterator]();
    iterator.takeReady?.(2);
    await acked.ack();
    const waiting = iterator.next();
    await subscriber.close();
    await subscriber.close();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect([clock.timers, subscriber.closed]).toEqual([0, true]);
    await expect(open.ack()).rejects.toThrow(DeliveryRevokedError);
    expect(acked.revoked).toBeUndefined();
  });

  it("refuses a step after the script has ended", () => {
    expect(() => new ScriptedSubscriber().end().deliver(named("a"))).toThrow(
      "before end(), fail() or close()",
    );
    expect(() => new ScriptedSubscriber().wait(-1)).toThrow("wait(ms) must be");
  });

  it("hands out every message once and in order, whoever pulls and however", async () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constant("next" as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ do: fc.constant("takeReady" as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constant("return" as const), count: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
        const subscriber = new ScriptedSubscriber();
        let iterator = subscriber[Symbol.asyncIterator]();
        let made = 0;
        // In the order of the calls, which is the order that is promised.
        const answers: Promise<string[]>[] = [];
        for (const step of actions) {
          for (let left = step.count; left > 0; left -= 1) {
            if (step.do === "deliver") subscriber.deliver(named(String(made++)));
            if (step.do === "next") {
              answers.push(iterator.next().then(({ value }) => (value ? [value.text()] : [])));
            }
          }
          if (step.do === "takeReady") {
            answers.push(Promise.resolve(texts(iterator.takeReady?.(step.count) ?? [])));
          }
          if (step.do === "return") {
            await iterator.return();
            iterator = subscriber[Symbol.asyncIterator]();
          }
        }
        subscriber.end();
        const seen = (await Promise.all(answers)).flat();
        for await (const message of { [Symbol.asyncIterator]: () => iterator }) seen.push(message.text());
        expect(seen).toEqual(Array.from({ length: made }, (_, index) => String(index)));
        expect(texts(subscriber.pulled)).toEqual(seen);
      }),
      { numRuns: 150 },
    );
  });
});
