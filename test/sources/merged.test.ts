import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { merged } from "../../src/sources/merged.ts";
import { type RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import { SubscriberBusyError } from "../../src/traits/errors.ts";
import type { Subscriber } from "../../src/traits/subscriber.ts";
import { message, messages, plain, texts } from "./setup/doubles.ts";

const clock = new VirtualClock();

function part(topic: string, ...ready: RecordingMessage[]): ScriptedSubscriber {
  return new ScriptedSubscriber({ topic, clock }).deliver(...ready);
}

describe("merged subscribers", () => {
  it("hands out every message once, each part in order, and never pulls ahead, whoever pulls and however", async () => {
    const action = fc.oneof(
      fc.record({
        do: fc.constant("deliver" as const),
        part: fc.nat(3),
        count: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ do: fc.constant("next" as const), count: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ do: fc.constant("takeReady" as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant("tick" as const), count: fc.integer({ min: 1, max: 4 }) }),
      fc.record({ do: fc.constant("flush" as const) }),
      fc.record({ do: fc.constant("reiterate" as const), awaited: fc.boolean() }),
    );
    const shape = fc.array(fc.option(fc.nat(3)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shape, fc.array(action, { maxLength: 40 }), async (hops, actions) => {
        const parts = hops.map((_, index) => part(String(index)));
        const whole = merged(parts.map((one, index) => wrap(one, hops[index] ?? null)));
        const made = parts.map(() => 0);
        // In the order of the calls, which is the order that is promised.
        const answers: Promise<string[]>[] = [];
        const returns: Promise<unknown>[] = [];
        let iterator = whole[Symbol.asyncIterator]();
        let over = 0;
        for (const step of actions) {
          if (step.do === "deliver") {
            const index = step.part % parts.length;
            for (let left = step.count; left > 0; left -= 1) {
              parts[index]?.deliver(message(`${index}:${made[index]}`));
              made[index] = (made[index] ?? 0) + 1;
            }
          }
          if (step.do === "next") {
            for (let left = step.count; left > 0; left -= 1) {
              answers.push(iterator.next().then(({ value }) => (value ? [value.text()] : [])));
            }
          }
          if (step.do === "takeReady") {
            const taken = texts(iterator.takeReady?.(step.count) ?? []);
            expect(taken.length).toBeLessThanOrEqual(step.count);
            answers.push(Promise.resolve(taken));
          }
          if (step.do === "tick") for (let left = step.count; left > 0; left -= 1) await Promise.resolve();
          if (step.do === "flush") await clock.flush();
          if (step.do === "reiterate") {
            const returned = iterator.return();
            if (step.awaited) await returned;
            else returns.push(returned);
            iterator = whole[Symbol.asyncIterator]();
          }
          for (const one of parts) {
            over = Math.max(over, one.waiting);
          }
        }
        // Let go of whoever waits, then see that what was pulled and not handed out is one a part at most.
        await iterator.return();
        await Promise.all(returns);
        const seen = (await Promise.all(answers)).flat();
        await clock.flush();
        const pulled = parts.reduce((sum, one) => sum + one.pulled.length, 0);
        expect(pulled - seen.length).toBeLessThanOrEqual(parts.length);
        expect(over).toBeLessThanOrEqual(1);
        expect(parts.map((one) => one.iterating)).toEqual(parts.map(() => false));
        for (const one of parts) one.end();
        for await (const last of whole) seen.push(last.text());
        for (const [index, count] of made.entries()) {
          const own = seen.filter((text) => text.startsWith(`${index}:`));
          expect(own).toEqual(Array.from({ length: count }, (_, place) => `${index}:${place}`));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("gives every part that has something its turn", async () => {
    const counts = fc.array(fc.integer({ min: 5, max: 12 }), { minLength: 2, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(counts, fc.boolean(), async (sizes, fast) => {
        const parts = sizes.map((size, index) => part(String(index), ...messages(`${index}:`, size)));
        const whole = merged(parts.map((one) => (fast ? one : plain(one))));
        const seen: number[] = [];
        for await (const { topic } of tagged(whole)) {
          seen.push(topic);
          await clock.flush();
          if (seen.length === sizes.reduce((sum, size) => sum + size, 0)) break;
        }
        for (const [index, size] of sizes.entries()) {
          const turns = seen.flatMap((owner, place) => (owner === index ? [place] : []));
          expect(turns).toHaveLength(size);
          for (const [nth, place] of turns.entries()) {
            const before = turns[nth - 1] ?? -1;
            expect(place - before).toBeLessThanOrEqual(sizes.length);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("shares a takeReady between the parts", () => {
    const parts = [
      part("a", ...messages("a", 20)),
      part("b", ...messages("b", 2)),
      part("c", ...messages("c", 20)),
    ];
    const taken = texts(merged(parts)[Symbol.asyncIterator]().takeReady?.(12) ?? []);
    const count = (prefix: string): number => taken.filter((text) => text.startsWith(prefix)).length;
    expect(taken).toHaveLength(12);
    expect(count("b")).toBe(2);
    expect(Math.abs(count("a") - count("c"))).toBeLessThanOrEqual(4);
  });

  it("pulls nothing before it is asked, and one at a time then", async () => {
    const parts = [part("a", ...messages("a", 5)), part("b", ...messages("b", 5))];
    const whole = merged(parts.map((one) => plain(one)));
    const iterator = whole[Symbol.asyncIterator]();
    await clock.flush();
    expect(parts.map((one) => one.pulled.length)).toEqual([0, 0]);
    await iterator.next();
    await clock.flush();
    expect(parts.map((one) => one.pulled.length)).toEqual([1, 1]);
  });

  it("answers every next() that waits, in the order asked", async () => {
    for (const hops of [null, 0, 2]) {
      const parts = [part("a"), part("b")];
      const iterator = merged(parts.map((one) => wrap(one, hops)))[Symbol.asyncIterator]();
      const answers = Promise.all(Array.from({ length: 6 }, () => iterator.next()));
      parts[0]?.deliver(...messages("a", 4));
      parts[1]?.deliver(...messages("b", 2));
      const seen = (await answers).map(({ value }) => value?.text() ?? "");
      expect(seen.filter((text) => text.startsWith("a"))).toEqual(["a0", "a1", "a2", "a3"]);
      expect(seen.filter((text) => text.startsWith("b"))).toEqual(["b0", "b1"]);
    }
  });

  it("gives nothing to an iterator that was returned, while the next one is at work", async () => {
    const one = part("a", ...messages("a", 2));
    const whole = merged([one, part("b")]);
    const old = whole[Symbol.asyncIterator]();
    await old.return();
    const current = whole[Symbol.asyncIterator]();
    expect(await old.next()).toEqual({ done: true, value: undefined });
    expect(old.takeReady?.(2)).toEqual([]);
    await old.return();
    expect(texts(current.takeReady?.(2) ?? [])).toEqual(["a0", "a1"]);
  });

  it("resolves a waiting next() with done on return(), and leaves its parts free", async () => {
    const parts = [part("a"), part("b")];
    const iterator = merged(parts)[Symbol.asyncIterator]();
    const waiting = [iterator.next(), iterator.next()];
    await iterator.return();
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true]);
    expect(parts.map((one) => [one.iterating, one.waiting])).toEqual([
      [false, 0],
      [false, 0],
    ]);
    expect((await iterator.next()).done).toBe(true);
  });

  it("does not hand out a held message whose delivery was revoked meanwhile", async () => {
    const [revoked, kept] = [message("revoked"), message("kept")];
    const parts = [part("a"), part("b")];
    const iterator = merged(parts.map((one) => plain(one)))[Symbol.asyncIterator]();
    const first = iterator.next();
    await clock.flush();
    parts[0]?.deliver(message("first"));
    await first;
    parts[1]?.deliver(revoked);
    await clock.flush();
    expect(parts[1]?.pulled).toEqual([revoked]);
    revoked.revoke();
    const next = iterator.next();
    parts[1]?.deliver(kept);
    expect((await next).value).toBe(kept);
  });

  it("refuses a second iterator, and one while a part is busy", async () => {
    const [a, b] = [part("a"), part("b")];
    const whole = merged([a, b]);
    const own = b[Symbol.asyncIterator]();
    expect(() => whole[Symbol.asyncIterator]()).toThrow(SubscriberBusyError);
    expect(a.iterating).toBe(false);
    await own.return();
    whole[Symbol.asyncIterator]();
    expect(() => whole[Symbol.asyncIterator]()).toThrow('"merged(a, b)" already has an active iterator');
  });
});

function wrap(subscriber: ScriptedSubscriber, hops: number | null): Subscriber<RecordingMessage> {
  return hops === null ? subscriber : plain(subscriber, hops);
}

/** Which part each message came from. */
async function* tagged(whole: Subscriber<RecordingMessage>): AsyncGenerator<{ topic: number }> {
  for await (const one of whole) yield { topic: Number(one.text().split(":")[0]) };
}
