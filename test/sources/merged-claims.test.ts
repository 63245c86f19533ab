import { describe, expect, expectTypeOf, it } from "vitest";
import { buffered } from "../../src/sources/buffered.ts";
import { merged } from "../../src/sources/merged.ts";
import { faulty, RecordingMessage, ScriptedSubscriber, VirtualClock } from "../../src/testing/index.ts";
import type { SubscriptionSource } from "../../src/traits/broker.ts";
import type { Subscriber } from "../../src/traits/subscriber.ts";
import { message, ScriptedConnection, scriptedSource, texts } from "./setup/doubles.ts";

const clock = new VirtualClock();

function part(topic: string, ...ready: RecordingMessage[]): ScriptedSubscriber {
  return new ScriptedSubscriber({ topic, clock }).deliver(...ready);
}

describe("what merged subscribers claim", () => {
  it("refuses what it cannot merge", () => {
    const one = part("a");
    const source = scriptedSource("a", one.capabilities);
    expect(() => merged([])).toThrow("at least one source or subscriber");
    expect(() => merged([one, one])).toThrow("none of them twice");
    expect(() => merged([one, source] as unknown as Subscriber[])).toThrow("all sources or all subscribers");
  });

  it("claims what its parts claim now, as do `buffered` and `faulty`", () => {
    const live = (): { subscriber: ScriptedSubscriber; learn(ackDeadlineMs: number): void } => {
      const subscriber = part("a");
      let capabilities = { ...subscriber.capabilities, ackDeadlineMs: 30_000 };
      Object.defineProperty(subscriber, "capabilities", { get: () => capabilities });
      const learn = (ackDeadlineMs: number): void => {
        capabilities = { ...capabilities, ackDeadlineMs };
      };
      return { subscriber, learn };
    };
    for (const wrap of [
      (subscriber: ScriptedSubscriber) => merged([part("b"), subscriber]),
      (subscriber: ScriptedSubscriber) => buffered(subscriber, { max: 2 }),
      (subscriber: ScriptedSubscriber) => faulty(subscriber, { seed: 1 }),
    ]) {
      const { subscriber, learn } = live();
      const whole = wrap(subscriber);
      const before = whole.capabilities;
      expect(whole.capabilities).toBe(before);
      learn(1_500);
      expect([before.ackDeadlineMs, whole.capabilities.ackDeadlineMs]).toEqual([30_000, 1_500]);
    }
  });

  it("claims what the weakest of its parts does", () => {
    const strong = new ScriptedSubscriber({
      topic: "a",
      capabilities: {
        maxInFlight: 3,
        ackDeadlineMs: 500,
        batches: true,
        seek: true,
        pause: true,
        groups: true,
      },
    });
    const weak = new ScriptedSubscriber({
      topic: "b",
      capabilities: {
        settlement: "none",
        requeue: false,
        delayedRequeue: "local",
        deliveryCount: "process",
        order: "partition",
        maxInFlight: 4,
        ackDeadlineMs: 200,
      },
    });
    expect(merged([strong, weak]).capabilities).toEqual({
      settlement: "none",
      requeue: false,
      delayedRequeue: "local",
      deliveryCount: "process",
      order: "partition",
      partitionKey: true,
      groups: false,
      backlog: false,
      ackDeadlineMs: 200,
      maxInFlight: 7,
      deadLetter: false,
      batches: false,
      seek: false,
      pause: false,
    });
    expect(merged([strong]).capabilities).not.toHaveProperty("requeue", false);
    expect("ackDeadlineMs" in merged([part("a"), part("b")]).capabilities).toBe(false);
  });

  it("claims no order when two parts have one topic", () => {
    expect(merged([part("a"), part("b")]).capabilities.order).toBe("topic");
    expect(merged([part("a"), part("a")]).capabilities.order).toBe("none");
  });
});

describe("merged sources", () => {
  it("opens all of them", async () => {
    const connection = new ScriptedConnection(clock);
    const { capabilities } = part("any");
    const source = merged([scriptedSource("a", capabilities), scriptedSource("b", capabilities)]);
    expect([source.topic, source.capabilities.order]).toEqual(["merged(a, b)", "topic"]);
    const subscriber = await connection.subscribe(source);
    connection.opened.get("a")?.deliver(message("a0"));
    connection.opened.get("b")?.deliver(message("b0"));
    const iterator = subscriber[Symbol.asyncIterator]();
    expect(texts(iterator.takeReady?.(5) ?? [])).toEqual(["a0", "b0"]);
  });

  it("opens all or none", async () => {
    const connection = new ScriptedConnection(clock);
    connection.refused.add("b");
    const { capabilities } = part("any");
    const source = merged(["a", "b", "c"].map((topic) => scriptedSource(topic, capabilities)));
    await expect(connection.subscribe(source)).rejects.toThrow("b was refused");
    expect([...connection.opened.values()].map((one) => one.closed)).toEqual([true, true]);
  });
});

describe("types of merged", () => {
  class Red extends RecordingMessage {
    readonly red = true;
  }
  class Blue extends RecordingMessage {
    readonly blue = true;
  }

  it("merges subscribers into the union of their messages", () => {
    const whole = merged([new ScriptedSubscriber<Red>(), new ScriptedSubscriber<Blue>()]);
    expectTypeOf(whole).toEqualTypeOf<Subscriber<Red | Blue>>();
  });

  it("merges sources of one connection into a source of that connection", () => {
    type Source<M extends RecordingMessage> = SubscriptionSource<ScriptedConnection, ScriptedSubscriber<M>>;
    const check = (red: Source<Red>, blue: Source<Blue>): void => {
      expectTypeOf(merged([red, blue])).toEqualTypeOf<
        SubscriptionSource<ScriptedConnection, Subscriber<Red | Blue>>
      >();
    };
    expect(check).toBeTypeOf("function");
  });
});
