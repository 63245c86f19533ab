import { describe, expect, it } from "vitest";
import { Deliveries } from "../../../../../src/brokers/jetstream/consumer/deliveries.ts";
import { Redelivery } from "../../../../../src/brokers/jetstream/consumer/recovery/redelivery.ts";

function setUp() {
  const seen: string[] = [];
  const redelivery = new Redelivery(new Deliveries(1_000), {
    released: () => seen.push("released"),
    missing: (reason) => seen.push(reason),
  });
  return { redelivery, seen };
}

describe("deliveries that come again", () => {
  it("are released when all have come", () => {
    const { redelivery, seen } = setUp();
    redelivery.begin({ next: 1, count: 2, upTo: 5 });
    expect([3, 6].map((sequence) => redelivery.accepts(sequence))).toEqual([true, false]);
    redelivery.releaseIfComplete();
    expect(seen).toEqual([]);
    redelivery.accepts(5);
    redelivery.releaseIfComplete();
    redelivery.releaseIfComplete();
    expect(seen).toEqual(["released"]);
  });

  it("may be more than maxInFlight, until they are released", () => {
    const { redelivery } = setUp();
    redelivery.begin({ next: 1, count: 9, upTo: 9 });
    expect([4, 20].map((maxInFlight) => redelivery.limit(maxInFlight))).toEqual([9, 20]);
    redelivery.end();
    expect(redelivery.limit(4)).toBe(4);
  });

  it("are released at once where there are none", () => {
    const { redelivery, seen } = setUp();
    redelivery.begin({ next: 1, count: 0, upTo: 0 });
    expect(seen).toEqual(["released"]);
  });

  it("that are missing are asked for five times in a row, and then given up", () => {
    const { redelivery, seen } = setUp();
    for (let round = 0; round < 5; round += 1) {
      redelivery.begin({ next: 1, count: 2, upTo: 2 });
      redelivery.accepts(1);
      expect(redelivery.releaseRest()).toBe(false);
    }
    expect(new Set(seen)).toEqual(new Set(["only 1 of 2 deliveries came again"]));
    redelivery.begin({ next: 1, count: 2, upTo: 2 });
    expect(redelivery.releaseRest()).toBe(true);
    expect(seen.at(-1)).toBe("released");
  });

  it("that all came start the count of attempts again", () => {
    const { redelivery, seen } = setUp();
    for (let round = 0; round < 4; round += 1) {
      redelivery.begin({ next: 1, count: 1, upTo: 1 });
      redelivery.releaseRest();
    }
    redelivery.begin({ next: 1, count: 0, upTo: 0 });
    for (let round = 0; round < 5; round += 1) {
      redelivery.begin({ next: 1, count: 1, upTo: 1 });
      expect(redelivery.releaseRest()).toBe(false);
    }
    expect(seen.filter((each) => each === "released")).toHaveLength(1);
  });
});
