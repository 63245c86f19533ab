import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { nextTurn, sleep, systemClock } from "../../src/traits/clock.ts";
import { AbortedError, InvalidArgumentError } from "../../src/traits/errors.ts";

const longestTimerMs = 2 ** 31 - 1;

describe("systemClock", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function scheduled(delayMs: number) {
    const callback = vi.fn();
    return { callback, timer: systemClock.schedule(delayMs, callback) };
  }

  it("tells milliseconds that go on", () => {
    const before = systemClock.now();
    vi.advanceTimersByTime(25);
    expect(systemClock.now() - before).toBeCloseTo(25);
  });

  it.each([0, 1, 2.5, 1_000])("calls back once, no sooner than after %d ms, and never at once", (delayMs) => {
    const { callback } = scheduled(delayMs);
    expect(callback).not.toHaveBeenCalled();
    if (delayMs > 0) {
      vi.advanceTimersByTime(Math.ceil(delayMs) - 1);
      expect(callback).not.toHaveBeenCalled();
    }
    vi.advanceTimersByTime(2);
    expect(callback).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(10_000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it.each([-1, Number.NEGATIVE_INFINITY])("takes %d for no delay", (delayMs) => {
    const { callback } = scheduled(delayMs);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it("refuses NaN, which is no time to wait for, as a virtual clock does", () => {
    for (const clock of [systemClock, new VirtualClock()])
      expect(() => clock.schedule(Number.NaN, () => undefined)).toThrow(InvalidArgumentError);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("arms again when the machine's timer fires early", () => {
    const early = vi.spyOn(performance, "now").mockReturnValue(0);
    const { callback } = scheduled(10);
    early.mockReturnValue(9.4);
    vi.advanceTimersByTime(10);
    expect(callback).not.toHaveBeenCalled();
    early.mockReturnValue(10);
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
    early.mockRestore();
  });

  it("waits longer than one timer of Node can", () => {
    const { callback } = scheduled(2 * longestTimerMs + 5);
    for (let round = 0; round < 2; round += 1) {
      vi.advanceTimersByTime(longestTimerMs);
      expect(callback).not.toHaveBeenCalled();
      expect(vi.getTimerCount()).toBe(1);
    }
    vi.advanceTimersByTime(4);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it("never calls back after Infinity, and can be cancelled", () => {
    const { callback, timer } = scheduled(Number.POSITIVE_INFINITY);
    vi.advanceTimersByTime(3 * longestTimerMs);
    expect(callback).not.toHaveBeenCalled();
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("takes a timer back, before and after it was armed again, twice and when it has fired", () => {
    const short = scheduled(10);
    const long = scheduled(longestTimerMs + 10);
    vi.advanceTimersByTime(5);
    short.timer.cancel();
    short.timer.cancel();
    vi.advanceTimersByTime(longestTimerMs);
    long.timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(longestTimerMs);
    expect(short.callback).not.toHaveBeenCalled();
    expect(long.callback).not.toHaveBeenCalled();

    const fired = scheduled(1);
    vi.advanceTimersByTime(1);
    fired.timer.cancel();
    expect(fired.callback).toHaveBeenCalledTimes(1);
  });
});

describe("sleep()", () => {
  const abortListeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

  it("resolves after its delay, not before", async () => {
    const clock = new VirtualClock();
    let awake = false;
    const sleeping = sleep(clock, 10).then(() => {
      awake = true;
    });
    await clock.advance(9);
    expect(awake).toBe(false);
    await clock.advance(1);
    await sleeping;
    expect(awake).toBe(true);
  });

  it("takes its listener off the signal when it is over", async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const sleeping = sleep(clock, 10, signal);
    expect(abortListeners(signal)).toBe(1);
    await clock.advance(10);
    await sleeping;
    expect(abortListeners(signal)).toBe(0);
  });

  it("rejects when its signal fires, and leaves neither timer nor listener", async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const sleeping = sleep(clock, 10, controller.signal);
    const reason = new Error("enough");
    controller.abort(reason);
    const error = await sleeping.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AbortedError);
    expect(error).toMatchObject({ cause: reason, message: "A wait was aborted by its signal." });
    expect(clock.timers).toBe(0);
    expect(abortListeners(controller.signal)).toBe(0);
  });

  it("does not begin when its signal has fired already", async () => {
    const clock = new VirtualClock();
    const signal = AbortSignal.abort("before");
    await expect(sleep(clock, 10, signal)).rejects.toMatchObject({
      code: "TIDELANE_ABORTED",
      cause: "before",
    });
    expect(clock.timers).toBe(0);
    expect(abortListeners(signal)).toBe(0);
  });

  it("rejects where the clock refuses the delay, without a listener left", async () => {
    const { signal } = new AbortController();
    await expect(sleep(new VirtualClock(), Number.NaN, signal)).rejects.toBeInstanceOf(InvalidArgumentError);
    await expect(sleep(systemClock, Number.NaN, signal)).rejects.toBeInstanceOf(InvalidArgumentError);
    expect(abortListeners(signal)).toBe(0);
  });
});

it("nextTurn() lets every promise and one round of the event loop go first", async () => {
  const steps: string[] = [];
  setImmediate(() => steps.push("a callback queued before"));
  const turn = nextTurn().then(() => steps.push("the next turn"));
  for (let depth = 0; depth < 100; depth += 1) await Promise.resolve();
  steps.push("a hundred promises");
  await turn;
  expect(steps).toEqual(["a hundred promises", "a callback queued before", "the next turn"]);
});
