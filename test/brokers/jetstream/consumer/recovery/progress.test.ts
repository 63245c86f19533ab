import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Progress } from "../../../../../src/brokers/jetstream/consumer/recovery/progress.ts";

describe("how far a consumer of our own has come", () => {
  it("starts where the consumer did, before the first delivery", () => {
    expect(new Progress(10).restart()).toBe(11);
  });

  it("goes back to the oldest that is not done, and past what is", () => {
    const progress = new Progress(0);
    for (const sequence of [1, 2, 3]) progress.delivered(sequence, 1);
    progress.done(1);
    progress.done(3);
    expect(progress.restart()).toBe(2);
    expect([2, 3, 4].map((sequence) => progress.delivered(sequence, 1))).toEqual([true, false, true]);
  });

  it("takes what its consumer delivers again", () => {
    const progress = new Progress(0);
    progress.delivered(1, 1);
    progress.done(1);
    progress.restart();
    // The ack of it was lost, and the consumer says that it is the second time.
    expect(progress.delivered(1, 2)).toBe(true);
  });

  it("leaves nothing out, whenever the consumer is deleted, and does nothing twice", () => {
    // A consumer delivers what is not done from its start on; each step takes one, finishes one, or deletes it.
    const steps = fc.array(fc.constantFrom("deliver", "deliver", "finish", "delete"), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.array(fc.nat(), { maxLength: 60 }), (kinds, picks) => {
        const progress = new Progress(0);
        const finished: number[] = [];
        let held: number[] = [];
        let next = 1;
        kinds.forEach((kind, index) => {
          if (kind === "deliver") {
            if (progress.delivered(next, 1)) held.push(next);
            next += 1;
          } else if (kind === "finish" && held.length > 0) {
            const [sequence = 0] = held.splice((picks[index] ?? 0) % held.length, 1);
            progress.done(sequence);
            finished.push(sequence);
          } else if (kind === "delete") {
            next = progress.restart();
            held = [];
          }
        });
        // Let it run on, with nothing more deleted.
        for (const sequence of held) finished.push(sequence);
        const last = next + 100;
        for (; next <= last; next += 1) if (progress.delivered(next, 1)) finished.push(next);
        expect(finished.sort((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, index) => index + 1));
      }),
    );
  });
});
