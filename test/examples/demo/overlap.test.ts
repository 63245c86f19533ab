import { describe, expect, it } from "vitest";
import { Overlap } from "../../../examples/demo/overlap.ts";
import { deferred } from "../../../src/traits/deferred.ts";

describe("Overlap", () => {
  it("starts calls in order, and has no more than so many under way", async () => {
    const calls = Array.from({ length: 5 }, () => deferred<void>());
    const started: number[] = [];
    const overlap = new Overlap(2);
    const all = (async () => {
      for (const [index, call] of calls.entries()) {
        await overlap.add(() => {
          started.push(index);
          return call.promise;
        });
      }
      await overlap.done();
      return "done";
    })();
    await new Promise(setImmediate);
    expect(started).toEqual([0, 1]);
    calls[1]?.resolve();
    await new Promise(setImmediate);
    expect(started).toEqual([0, 1, 2]);
    for (const { resolve } of calls) resolve();
    expect(await all).toBe("done");
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });

  it("tells of a call that fails with the next one, or in the end", async () => {
    const overlap = new Overlap(8);
    await overlap.add(() => Promise.reject(new Error("first")));
    await new Promise(setImmediate);
    await expect(overlap.add(() => Promise.resolve())).rejects.toThrow("first");
    await expect(overlap.done()).rejects.toThrow("first");
  });
});
