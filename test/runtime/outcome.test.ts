import { describe, expect, it } from "vitest";
import { ack, deadLetter, drop, retry, retryAfter, toOutcome } from "../../src/runtime/outcome.ts";
import { InvalidArgumentError } from "../../src/traits/errors.ts";

describe("the outcomes", () => {
  it("say what they are", () => {
    expect(ack()).toEqual({ kind: "ack" });
    expect(retry()).toEqual({ kind: "retry", delayMs: undefined });
    expect(retryAfter(0)).toEqual({ kind: "retry", delayMs: 0 });
    expect(retryAfter(1.5)).toEqual({ kind: "retry", delayMs: 1.5 });
    expect(drop()).toEqual({ kind: "drop" });
    expect(deadLetter("no such order")).toEqual({ kind: "dead-letter", reason: "no such order" });
  });

  it("cannot be changed by one handler for the next where they are shared", () => {
    expect(ack()).toBe(ack());
    for (const outcome of [ack(), retry(), drop()]) expect(Object.isFrozen(outcome)).toBe(true);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "100", null])("refuse retryAfter(%s)", (delayMs) => {
    expect(() => retryAfter(delayMs as number)).toThrow(InvalidArgumentError);
    expect(() => retryAfter(delayMs as number)).toThrow("retryAfter(delayMs)");
  });
});

describe("toOutcome", () => {
  it("reads nothing returned as ack", () => {
    expect(toOutcome(undefined)).toBe(ack());
  });

  it("lets every outcome through as it is", () => {
    for (const outcome of [ack(), retry(), retryAfter(5), drop(), deadLetter("x")]) {
      expect(toOutcome(outcome)).toBe(outcome);
    }
    const written = { kind: "retry" } as const;
    expect(toOutcome(written)).toBe(written);
  });

  it.each([null, true, "ack", 1, {}, { kind: "nack" }, [], () => undefined])("refuses %s", (returned) => {
    expect(() => toOutcome(returned)).toThrow("it returns nothing or an outcome");
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY, "soon", null])("refuses a delay of %s", (delayMs) => {
    expect(() => toOutcome({ kind: "retry", delayMs })).toThrow("delayMs must be a number of milliseconds");
  });

  it.each([undefined, 5, null, new Error("x")])("refuses a dead letter with reason %s", (reason) => {
    expect(() => toOutcome({ kind: "dead-letter", reason })).toThrow("reason");
  });
});
