import { describe, expect, it } from "vitest";
import { merged } from "../../src/sources/merged.ts";
import { type RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import { SubscriptionFailedError } from "../../src/traits/errors.ts";
import type { Subscriber } from "../../src/traits/subscriber.ts";
import { message, messages, outcome, plain } from "./setup/doubles.ts";

const clock = new VirtualClock();

function part(topic: string, ...ready: RecordingMessage[]): ScriptedSubscriber {
  return new ScriptedSubscriber({ topic, clock }).deliver(...ready);
}

describe("the end of merged subscribers", () => {
  it("ends when all of its parts have", async () => {
    const parts = [part("a", ...messages("a", 1)).end(), part("b", ...messages("b", 2))];
    const seen: string[] = [];
    const loop = (async () => {
      for await (const one of merged(parts)) seen.push(one.text());
    })();
    expect(await outcome(clock, loop)).toBe("waiting");
    parts[1]?.end();
    expect(await outcome(clock, loop)).toEqual({ value: undefined });
    expect(seen.sort()).toEqual(["a0", "b0", "b1"]);
  });

  it("fails with the cause when a part fails, once, and closes the others", async () => {
    const broken = new Error("the partition is gone");
    const [quiet, failing] = [part("quiet"), part("failing")];
    const open = message("open");
    quiet.deliver(open);
    const whole = merged([quiet, failing]);
    const iterator = whole[Symbol.asyncIterator]();
    await iterator.next();
    const [next, another] = [iterator.next(), iterator.next()];
    failing.fail(broken);
    const error = await next.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SubscriptionFailedError);
    expect(error).toMatchObject({ cause: broken, topic: "merged(quiet, failing)" });
    expect(String(error)).toContain('its part "failing" failed');
    expect((await another).done).toBe(true);
    expect((await iterator.next()).done).toBe(true);
    expect((await whole[Symbol.asyncIterator]().next()).done).toBe(true);
    expect([quiet.closed, failing.closed]).toEqual([true, true]);
    expect(open.revoked).toBeDefined();
  });

  it("tells a failure that came while nobody waited to the next next()", async () => {
    const [a, b] = [part("a", ...messages("a", 1)), part("b")];
    const iterator = merged([plain(a), plain(b)])[Symbol.asyncIterator]();
    await iterator.next();
    b.fail(new Error("gone"));
    await clock.flush();
    await expect(iterator.next()).rejects.toThrow(SubscriptionFailedError);
    expect((await iterator.next()).done).toBe(true);
  });

  it("closes together, while a next() waits, and once", async () => {
    const parts = [part("a"), part("b")];
    const whole = merged(parts);
    const waiting = whole[Symbol.asyncIterator]().next();
    await Promise.all([whole.close(), whole.close()]);
    expect((await waiting).done).toBe(true);
    expect(parts.map((one) => one.closed)).toEqual([true, true]);
    expect((await whole[Symbol.asyncIterator]().next()).done).toBe(true);
  });

  it("closes each part once", async () => {
    let closed = 0;
    const counted: Subscriber = {
      ...plain(part("a")),
      close: async () => {
        closed += 1;
      },
    };
    const whole = merged([counted, part("b").fail(new Error("gone"))]);
    await whole[Symbol.asyncIterator]()
      .next()
      .catch(() => undefined);
    await whole.close();
    await whole.close();
    expect(closed).toBe(1);
  });

  it("rejects close() when a part could not be closed, having closed the others", async () => {
    const [a, b] = [part("a"), part("b")];
    const stubborn: Subscriber = { ...plain(a), close: () => Promise.reject(new Error("cannot close")) };
    await expect(merged([stubborn, b]).close()).rejects.toThrow("cannot close");
    expect(b.closed).toBe(true);
  });
});
