import { describe, expect, it } from "vitest";
import { Alarm } from "../../../src/brokers/shared/alarm.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

function setUp() {
  const clock = new VirtualClock();
  const rings: number[] = [];
  return { clock, rings, alarm: new Alarm(clock, () => rings.push(clock.now())) };
}

describe("Alarm", () => {
  it("rings at the earliest moment asked for, with one timer", async () => {
    const { clock, rings, alarm } = setUp();
    for (const due of [30, 10, 20]) alarm.at(due);
    expect(clock.timers).toBe(1);
    await clock.advance(100);
    expect(rings).toEqual([10]);
    expect(clock.timers).toBe(0);
  });

  it("rings at once for a moment that has passed", async () => {
    const { clock, rings, alarm } = setUp();
    await clock.advance(50);
    alarm.at(20);
    await clock.advance(0);
    expect(rings).toEqual([50]);
  });

  it("does not ring once cancelled, and can be set again", async () => {
    const { clock, rings, alarm } = setUp();
    alarm.at(10);
    alarm.cancel();
    expect(clock.timers).toBe(0);
    alarm.at(25);
    await clock.advance(100);
    expect(rings).toEqual([25]);
  });
});
