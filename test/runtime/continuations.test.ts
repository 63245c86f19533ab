import { describe, expect, it } from "vitest";
import { Continuations } from "../../src/runtime/continuations.ts";
import { Delivery, type Settlement } from "../../src/runtime/delivery.ts";
import { RecordingMessage, VirtualClock } from "../../src/testing/index.ts";
import { type Deferred, deferred } from "../../src/traits/deferred.ts";

const { flush } = new VirtualClock();

function deliveryWith(...works: ((settlement: Settlement) => void | Promise<void>)[]): Delivery {
  const delivery = new Delivery(0, new RecordingMessage());
  for (const work of works) delivery.afterSettle(work);
  return delivery;
}

describe("Continuations", () => {
  const failed: unknown[] = [];
  const start = (delivery: Delivery, settlement: Settlement = "ack"): Continuations<never> => {
    const continuations = new Continuations<never>(
      (error, message) => failed.push([error, message]),
      () => undefined,
    );
    continuations.start(delivery as Delivery<never>, settlement);
    return continuations;
  };

  it("are told how the delivery left, in the order they were asked for", async () => {
    const log: string[] = [];
    const one = (settlement: Settlement): void => void log.push(`one ${settlement}`);
    const two = (settlement: Settlement): void => void log.push(`two ${settlement}`);
    await start(deliveryWith(one, two), "dead-letter").idle();
    expect(log).toEqual(["one dead-letter", "two dead-letter"]);
  });

  it("are counted and waited for until the last is done", async () => {
    const gates = [deferred<void>(), deferred<void>()] as const;
    const continuations = start(deliveryWith(...gates.map((gate) => () => gate.promise)));
    let idle = false;
    const waiting = continuations.idle().then(() => {
      idle = true;
    });
    gates[0].resolve();
    await flush();
    expect([continuations.size, idle]).toEqual([1, false]);
    gates[1].resolve();
    await waiting;
    expect(continuations.size).toBe(0);
  });

  it("report a failure with its message, and stop nobody else", async () => {
    const thrown = new Error("sync");
    const rejected = new Error("async");
    let last = false;
    const delivery = deliveryWith(
      () => {
        throw thrown;
      },
      () => Promise.reject(rejected),
      () => {
        last = true;
      },
    );
    await start(delivery).idle();
    expect(failed.splice(0)).toEqual([
      [thrown, delivery],
      [rejected, delivery],
    ]);
    expect(last).toBe(true);
  });

  it("run at most 16 at once; those that have not begun can be forgotten", async () => {
    const gates: Deferred<void>[] = [];
    const work = (): Promise<void> => {
      const gate = deferred<void>();
      gates.push(gate);
      return gate.promise;
    };
    const continuations = start(deliveryWith(...Array.from({ length: 20 }, () => work)));
    await flush();
    expect([gates.length, continuations.size]).toEqual([16, 20]);
    gates[0]?.resolve();
    await flush();
    expect([gates.length, continuations.size]).toEqual([17, 19]);
    continuations.clear();
    expect(continuations.size).toBe(16);
    for (const gate of gates) gate.resolve();
    await continuations.idle();
    expect([gates.length, continuations.size]).toEqual([17, 0]);
  });

  it("have room for 1,024, and say so once when there is room again", async () => {
    const gate = deferred<void>();
    const eased: number[] = [];
    const continuations: Continuations<never> = new Continuations<never>(
      () => undefined,
      () => eased.push(continuations.room),
    );
    const work = (): Promise<void> => gate.promise;
    for (let each = 0; each < 1_023; each += 1)
      continuations.start(deliveryWith(work) as Delivery<never>, "ack");
    expect(continuations.room).toBe(1);
    continuations.start(deliveryWith(work, work, work) as Delivery<never>, "ack");
    expect([continuations.room, eased]).toEqual([-2, []]);
    gate.resolve();
    await continuations.idle();
    await flush();
    expect([continuations.room, eased]).toEqual([1_024, [1]]);
  });
});
