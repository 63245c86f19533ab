import { expect, it } from "vitest";
import { Deadline } from "../../src/runtime/deadline.ts";
import { VirtualClock } from "../../src/testing/index.ts";

function watched(afterMs: number) {
  const clock = new VirtualClock();
  const deadline = new Deadline(clock, afterMs, () => `late @${clock.now()}`);
  const seen: unknown[] = [];
  void deadline.passed.then((reason) => seen.push(reason));
  return { clock, deadline, seen };
}

it("passes by the clock, with a reason made then", async () => {
  const { clock, seen } = watched(50);
  await clock.advance(49);
  expect(seen).toEqual([]);
  await clock.advance(1);
  expect(seen).toEqual(["late @50"]);
});

it("passes early when told to, once", async () => {
  const { clock, deadline, seen } = watched(50);
  deadline.expire("now");
  deadline.expire("again");
  await clock.advance(100);
  expect([seen, clock.timers]).toEqual([["now"], 0]);
});

it("stays open when it was cancelled before", async () => {
  const { clock, deadline, seen } = watched(50);
  deadline.cancel();
  await clock.advance(100);
  expect([seen, clock.timers]).toEqual([[], 0]);
});
