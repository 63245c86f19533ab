import { expect, it } from "vitest";
import { Deadline } from "../../src/runtime/deadline.ts";
import { VirtualClock } from "../../src/testing/index.ts";

function watched() {
  const clock = new VirtualClock();
  const deadline = new Deadline(clock);
  const seen: unknown[] = [];
  void deadline.passed.then((reason) => seen.push(reason));
  const within = (afterMs: number, who = "late"): void =>
    deadline.within(afterMs, () => `${who} @${clock.now()}`);
  return { clock, deadline, within, seen };
}

it("passes by the clock, with a reason made then", async () => {
  const { clock, within, seen } = watched();
  within(50);
  await clock.advance(49);
  expect(seen).toEqual([]);
  await clock.advance(1);
  expect(seen).toEqual(["late @50"]);
});

it("passes at the earliest moment that was named, whichever was named first", async () => {
  for (const order of [
    [30, 50],
    [50, 30],
  ] as const) {
    const { clock, within, seen } = watched();
    for (const afterMs of order) within(afterMs, `after ${afterMs}`);
    expect(clock.timers).toBe(1);
    await clock.advance(29);
    expect(seen).toEqual([]);
    await clock.advance(100);
    expect([seen, clock.timers]).toEqual([["after 30 @30"], 0]);
  }
});

it("counts a moment from when it was named", async () => {
  const { clock, within, seen } = watched();
  within(50, "first");
  await clock.advance(30);
  within(25, "second");
  await clock.advance(100);
  expect(seen).toEqual(["first @50"]);
});

it("passes early when told to, once, and no moment counts after it", async () => {
  const { clock, deadline, within, seen } = watched();
  within(50);
  deadline.expire("now");
  deadline.expire("again");
  within(10);
  expect(clock.timers).toBe(0);
  await clock.advance(100);
  expect(seen).toEqual(["now"]);
});

it("stays open when it was cancelled before, and then no moment counts", async () => {
  const { clock, deadline, within, seen } = watched();
  within(50);
  deadline.cancel();
  within(10);
  await clock.advance(100);
  expect([seen, clock.timers]).toEqual([[], 0]);
});
