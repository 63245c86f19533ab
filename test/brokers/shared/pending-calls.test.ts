import { describe, expect, it } from "vitest";
import { PendingCalls, type TimedCall } from "../../../src/brokers/shared/pending-calls.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

function setUp() {
  const clock = new VirtualClock();
  const calls = new PendingCalls<string, TimedCall>(clock);
  const expired: [name: string, at: number][] = [];
  const add = (name: string, due: number): void => {
    const expire = (): void => {
      expired.push([name, clock.now()]);
      calls.delete(name);
    };
    calls.add(name, { due, expire });
  };
  return { clock, calls, expired, add };
}

describe("PendingCalls", () => {
  it("expires each at its time, whatever the order of their times, with one timer", async () => {
    const { clock, calls, expired, add } = setUp();
    add("c", 30);
    add("a", 10);
    add("b", 20);
    expect(clock.timers).toBe(1);
    await clock.advance(100);
    expect(expired).toEqual([
      ["a", 10],
      ["b", 20],
      ["c", 30],
    ]);
    expect([calls.size, clock.timers]).toEqual([0, 0]);
  });

  it("keeps no timer for calls that left, nor for calls without a time limit", async () => {
    const { clock, calls, expired, add } = setUp();
    add("answered", 10);
    calls.delete("answered");
    expect(clock.timers).toBe(0);
    add("unlimited", Number.POSITIVE_INFINITY);
    expect(clock.timers).toBe(0);
    await clock.advance(100);
    expect(expired).toEqual([]);
    expect(calls.get("unlimited")).toBeDefined();
  });

  it("looks only at those that are due, and one more, of calls with one time limit", async () => {
    const { clock, calls } = setUp();
    let looks = 0;
    for (let due = 1; due <= 1_000; due += 1) {
      const key = String(due);
      const call = {
        get due() {
          looks += 1;
          return due;
        },
        expire: () => calls.delete(key),
      };
      calls.add(key, call);
    }
    looks = 0;
    await clock.advance(500);
    expect(calls.size).toBe(500);
    expect(looks).toBeLessThan(500 * 5);
  });

  it("is iterated in the order of the calls, and calls may leave meanwhile", () => {
    const { calls, add } = setUp();
    for (const name of ["z", "a", "m"]) add(name, 10);
    const seen: number[] = [];
    for (const call of calls) {
      seen.push(calls.size);
      call.expire();
    }
    expect(seen).toEqual([3, 2, 1]);
  });
});
