import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ackFrames } from "../../../../src/brokers/amqp/consumer/ack-frames.ts";

const none = Number.POSITIVE_INFINITY;

describe("ackFrames", () => {
  it("tells of everything at once where nothing before it is unsettled", () => {
    expect(ackFrames([1, 2, 3], none)).toEqual({ upTo: 3, single: [] });
    expect(ackFrames([3, 1, 2], 7)).toEqual({ upTo: 3, single: [] });
  });

  it("tells one by one of what comes after one that is unsettled", () => {
    expect(ackFrames([1, 2, 4, 5], 3)).toEqual({ upTo: 2, single: [4, 5] });
    expect(ackFrames([4, 5], 3)).toEqual({ upTo: undefined, single: [4, 5] });
  });

  it("asks for no more than one where there is one", () => {
    expect(ackFrames([2], none)).toEqual({ upTo: undefined, single: [2] });
  });

  it("names the highest that was acked, as the server knows no other", () => {
    expect(ackFrames([1, 2], 9)).toEqual({ upTo: 2, single: [] });
  });
});

/** What the server makes of acks: who is told of, and an error for a tag it does not hold. */
class NaiveServer {
  readonly held: Set<number>;

  constructor(tags: Iterable<number>) {
    this.held = new Set(tags);
  }

  ack(tag: number, multiple: boolean): void {
    if (!this.held.has(tag)) throw new Error(`unknown delivery tag ${tag}`);
    for (const each of [...this.held]) if (each === tag || (multiple && each < tag)) this.held.delete(each);
  }
}

it("tells the server exactly what was acked, in any order, with no more frames than one each", () => {
  const deliveries = fc
    .uniqueArray(fc.nat({ max: 60 }), { minLength: 1, maxLength: 40 })
    .map((tags) => tags.sort((a, b) => a - b));
  const cases = deliveries.chain((tags) =>
    fc.record({
      tags: fc.constant(tags),
      acked: fc.shuffledSubarray(tags, { minLength: 1 }),
    }),
  );
  fc.assert(
    fc.property(cases, ({ tags, acked }) => {
      const server = new NaiveServer(tags);
      const unsettled = tags.filter((tag) => !acked.includes(tag));
      const { upTo, single } = ackFrames(acked, unsettled[0] ?? none);
      if (upTo !== undefined) server.ack(upTo, true);
      for (const tag of single) server.ack(tag, false);
      expect([...server.held]).toEqual(unsettled);
      expect(single.length + (upTo === undefined ? 0 : 1)).toBeLessThanOrEqual(acked.length);
    }),
    { numRuns: 2_000 },
  );
});
