import { describe, expect, it } from "vitest";
import { orderWriter } from "../../bench/method/order.ts";
import { tallyOf } from "../../bench/method/tally.ts";

describe("tallyOf", () => {
  it("is done when all were taken, and tells the first, the last and every so many", async () => {
    const told: string[] = [];
    const tally = tallyOf(5, 1, {
      first: () => told.push("first"),
      last: () => told.push("last"),
      every: 2,
      taken: (taken) => told.push(String(taken)),
    });
    for (let sequence = 0; sequence < 5; sequence++) tally.take(sequence);
    await tally.done;
    expect(told).toEqual(["first", "2", "4", "last"]);
  });

  it.each([
    ["a gap", 1, [0, 2]],
    ["a second time", 1, [0, 0]],
    ["one too many", 1, [0, 1, 2, 3, 4]],
    ["a swap within a lane", 2, [2]],
    ["a second time where no order holds", "any", [3, 1, 3]],
  ] as const)("refuses %s", async (_, lanes, sequences) => {
    const tally = tallyOf(4, lanes);
    expect(() => {
      for (const sequence of sequences) tally.take(sequence);
    }).toThrow(/out of order or twice/);
  });

  it("rejects `done` with what was refused", async () => {
    const tally = tallyOf(4, 1);
    expect(() => tally.take(1)).toThrow();
    await expect(tally.done).rejects.toThrow("Message 1 of 4");
  });

  it("lets lanes overtake each other", async () => {
    const tally = tallyOf(4, 2);
    for (const sequence of [1, 3, 0, 2]) tally.take(sequence);
    await expect(tally.done).resolves.toBeUndefined();
  });
});

describe("orderWriter", () => {
  it("makes JSON of exactly the size, with the number in it", () => {
    for (const size of [64, 512, 1024]) {
      const payload = orderWriter(size)(1234);
      expect(payload.byteLength).toBe(size);
      expect(JSON.parse(payload.toString()).sequence).toBe(1234);
    }
  });
});
