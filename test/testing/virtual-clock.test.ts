import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { sleep } from "../../src/traits/clock.ts";

describe("VirtualClock", () => {
  it("stands still until it is moved", async () => {
    const clock = new VirtualClock(1_000);
    let fired = false;
    clock.schedule(0, () => {
      fired = true;
    });
    await clock.flush();
    expect(fired).toBe(false);
    expect(clock.now()).toBe(1_000);
    await clock.advance(0);
    expect(fired).toBe(true);
  });

  it("fires by due time, then by creation, each at its own time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), fc.nat(20), async (delays, window) => {
        const clock = new VirtualClock();
        const fired: { due: number; index: number; at: number }[] = [];
        for (const [index, due] of delays.entries()) {
          clock.schedule(due, () => fired.push({ due, index, at: clock.now() }));
        }
        await clock.advance(window);
        const expected = delays
          .map((due, index) => ({ due, index, at: due }))
          .filter(({ due }) => due <= window)
          .sort((a, b) => a.due - b.due || a.index - b.index);
        expect(fired).toEqual(expected);
        expect(clock.timers).toBe(delays.length - expected.length);
        expect(clock.now()).toBe(window);
      }),
      { numRuns: 60 },
    );
  });

  it("never fires a cancelled timer, whatever is cancelled and when", async () => {
    const plan = fc.array(fc.record({ due: fc.nat(30), cancelAt: fc.option(fc.nat(30)) }), { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(plan, async (timers) => {
        const clock = new VirtualClock();
        const fired = new Set<number>();
        const armed = timers.map(({ due }, index) => clock.schedule(due, () => fired.add(index)));
        for (const [index, { cancelAt }] of timers.entries()) {
          if (cancelAt !== null) clock.schedule(cancelAt - 0.5, () => armed[index]?.cancel());
        }
        await clock.advance(40);
        const expected = timers.flatMap(({ due, cancelAt }, index) =>
          cancelAt === null || due <= Math.max(0, cancelAt - 0.5) ? [index] : [],
        );
        expect([...fired].sort((a, b) => a - b)).toEqual(expected);
        expect(clock.timers).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("lets the work of one timer schedule more inside the window", async () => {
    const clock = new VirtualClock();
    const woke: number[] = [];
    const work = async (): Promise<void> => {
      for (const delay of [10, 20, 30, 40]) {
        await sleep(clock, delay);
        for (let hops = 0; hops < 50; hops += 1) await Promise.resolve();
        await new Promise((resolve) => setImmediate(resolve));
        woke.push(clock.now());
      }
    };
    const done = work();
    await clock.advance(60);
    expect(woke).toEqual([10, 30, 60]);
    await clock.advance(40);
    await done;
    expect(woke).toEqual([10, 30, 60, 100]);
  });

  it("waits for work that was started before the first timer", async () => {
    const clock = new VirtualClock();
    let woke = false;
    void Promise.resolve()
      .then(() => sleep(clock, 5))
      .then(() => {
        woke = true;
      });
    await clock.advance(5);
    expect(woke).toBe(true);
  });

  it("goes to the next due time and says whether there was one", async () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.schedule(5, () => fired.push("a"));
    clock.schedule(5, () => fired.push("b"));
    clock.schedule(9, () => fired.push("c"));
    clock.schedule(Number.POSITIVE_INFINITY, () => fired.push("never"));
    expect(await clock.advanceToNext()).toBe(true);
    expect([clock.now(), fired.join("")]).toEqual([5, "ab"]);
    expect(await clock.advanceToNext()).toBe(true);
    expect([clock.now(), fired.join("")]).toEqual([9, "abc"]);
    expect(await clock.advanceToNext()).toBe(false);
    expect(clock.now()).toBe(9);
  });

  it("runs overlapping calls one after another", async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    clock.schedule(10, () => seen.push(clock.now()));
    clock.schedule(30, () => seen.push(clock.now()));
    await Promise.all([clock.advance(20), clock.advance(20)]);
    expect(seen).toEqual([10, 30]);
    expect(clock.now()).toBe(40);
  });

  it("rejects with what a callback threw, stays at that time, and goes on", async () => {
    const clock = new VirtualClock();
    let later = false;
    clock.schedule(1, () => {
      throw new Error("broken callback");
    });
    clock.schedule(2, () => {
      later = true;
    });
    await expect(clock.advance(5)).rejects.toThrow("broken callback");
    expect(clock.now()).toBe(1);
    await clock.advance(1);
    expect(later).toBe(true);
  });

  it("cancels once fired, and twice, without effect", async () => {
    const clock = new VirtualClock();
    let count = 0;
    const timer = clock.schedule(1, () => {
      count += 1;
    });
    const other = clock.schedule(2, () => {
      count += 1;
    });
    await clock.advance(1);
    timer.cancel();
    timer.cancel();
    expect(clock.timers).toBe(1);
    other.cancel();
    other.cancel();
    await clock.advance(5);
    expect(count).toBe(1);
  });

  it("counts a negative delay as none", async () => {
    const clock = new VirtualClock(50);
    let at = -1;
    clock.schedule(-7, () => {
      at = clock.now();
    });
    await clock.advance(0);
    expect(at).toBe(50);
  });

  it("refuses what is not a duration", async () => {
    expect(() => new VirtualClock(Number.NaN)).toThrow("VirtualClock(startMs) must be");
    expect(() => new VirtualClock().schedule(Number.NaN, () => {})).toThrow("schedule(delayMs) must be");
    await expect(new VirtualClock().advance(-1)).rejects.toThrow("advance(ms) must be");
    await expect(new VirtualClock().advance(Number.POSITIVE_INFINITY)).rejects.toThrow("advance(ms) must be");
  });

  it("holds tens of thousands of timers", async () => {
    const clock = new VirtualClock();
    let fired = 0;
    let last = -1;
    const timers = Array.from({ length: 50_000 }, (_, index) => {
      const due = (index * 7_919) % 50_021;
      return clock.schedule(due, () => {
        expect(clock.now()).toBeGreaterThanOrEqual(last);
        last = clock.now();
        fired += 1;
      });
    });
    for (const [index, timer] of timers.entries()) if (index % 5 !== 0) timer.cancel();
    expect(clock.timers).toBe(10_000);
    await clock.advance(60_000);
    expect(fired).toBe(10_000);
  });
});
