import { describe, expect, it } from "vitest";
import { type Attempt, Recording } from "../../../examples/demo/recording.ts";

const attempt = (name: string, startMs: number, endMs: number, askedMs: number): Attempt => {
  return { worker: 0, package: name, line: 1, startMs, endMs, askedMs, failed: false };
};

describe("Recording", () => {
  it("adds up what was meant where the machine was late", () => {
    const recording = new Recording();
    recording.add(attempt("a:all", 0, 10, 3));
    recording.add(attempt("a:all", 10, 12, 3));
    recording.add(attempt("b:all", 0, 5, 4));
    expect(recording.workMs).toBe(10);
    expect(recording.longestMs).toBe(6);
    expect(recording.count).toBe(3);
  });

  it("adds up what was measured where the timers were early", () => {
    const recording = new Recording();
    recording.add(attempt("a:all", 0, 2, 3));
    recording.add(attempt("b:all", 0, 5, 4.5));
    expect(recording.workMs).toBe(7);
    expect(recording.longestMs).toBe(4.5);
  });

  it("is all zero for no attempts", () => {
    const { workMs, longestMs, count } = new Recording();
    expect({ workMs, longestMs, count }).toEqual({ workMs: 0, longestMs: 0, count: 0 });
  });

  it("counts all attempts and keeps the first ones only, so a long log does not fill the memory", () => {
    const recording = new Recording();
    for (let at = 0; at < 20_500; at += 1) recording.add(attempt("a:all", at, at + 1, 1));
    expect(recording.count).toBe(20_500);
    expect(recording.workMs).toBe(20_500);
    expect(recording.attempts).toHaveLength(20_000);
    expect(recording.attempts.at(-1)?.startMs).toBe(19_999);
  });
});
