import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DoneRanges, encodeDone } from "../../../../../src/brokers/kafka/consumer/offsets/done-ranges.ts";

const slots = fc.array(fc.record({ gap: fc.integer({ min: 0, max: 40 }), done: fc.boolean() }), {
  maxLength: 200,
});

function place(
  base: number,
  list: readonly { gap: number; done: boolean }[],
): { offset: number; done: boolean }[] {
  let next = base;
  return list.map(({ gap, done }) => {
    const offset = next + gap;
    next = offset + 1;
    return { offset, done };
  });
}

describe("what is done above the committed offset", () => {
  it("is written down as pairs of not done and done", () => {
    const note = encodeDone(100, [
      { offset: 100, done: false },
      { offset: 101, done: true },
      { offset: 102, done: true },
      { offset: 150, done: false },
      { offset: 160, done: true },
    ]);
    expect(note).toEqual({ text: "tidelane:1.2,1l.1", records: 3 });
  });

  it("is nothing when nothing is", () => {
    expect(encodeDone(0, [])).toBeUndefined();
    expect(encodeDone(0, [{ offset: 0, done: false }])).toBeUndefined();
  });

  it("is read again exactly", () => {
    fc.assert(
      fc.property(fc.nat(), slots, (base, list) => {
        const placed = place(base, list);
        const note = encodeDone(base, placed);
        const read = DoneRanges.read(base, note?.text);
        expect(note?.records ?? 0).toBe(placed.filter(({ done }) => done).length);
        for (const { offset, done } of placed) expect(read?.has(offset) ?? false).toBe(done);
      }),
    );
  });

  it("says nothing of what was not delivered yet", () => {
    fc.assert(
      fc.property(fc.nat(), slots, (base, list) => {
        const placed = place(base, list);
        const read = DoneRanges.read(base, encodeDone(base, placed)?.text);
        const end = (placed.at(-1)?.offset ?? base) + 1;
        expect(read?.has(end) ?? false).toBe(false);
        expect(read?.has(end + 1_000) ?? false).toBe(false);
      }),
    );
  });

  it("keeps what an earlier note said, from where the deliveries end", () => {
    fc.assert(
      fc.property(fc.nat(), slots, fc.nat({ max: 300 }), (base, list, reached) => {
        const placed = place(base, list);
        const before = DoneRanges.read(base, encodeDone(base, placed)?.text);
        // Of what was done before, and came again as done; what lies between two of them may be called done, too.
        const delivered = placed.slice(0, reached);
        const next = (delivered.at(-1)?.offset ?? base - 1) + 1;
        const note = encodeDone(base, delivered, next, before);
        const read = DoneRanges.read(base, note?.text);
        expect(note?.records ?? 0).toBe(delivered.filter(({ done }) => done).length);
        for (const { offset, done } of placed) expect(read?.has(offset) ?? false).toBe(done);
      }),
    );
  });

  it("is cut where the server takes no more, and says how much of it is left", () => {
    const many = Array.from({ length: 10_000 }, (_, offset) => ({ offset, done: offset % 2 === 1 }));
    const note = encodeDone(0, many);
    expect(note?.text.length).toBeLessThanOrEqual(4_000);
    const read = DoneRanges.read(0, note?.text);
    const known = many.filter(({ offset }) => read?.has(offset));
    expect(known).toHaveLength(note?.records ?? 0);
    expect(known.every(({ done }) => done)).toBe(true);
    expect(known.length).toBeGreaterThan(900);
  });

  it.each([
    [null],
    [undefined],
    [""],
    ["some text"],
    ["tidelane:"],
    ["tidelane:1"],
    ["tidelane:zzzzzzzzzzzzzz.1"],
  ])("is not read from %j", (metadata) => {
    expect(DoneRanges.read(0, metadata)).toBeUndefined();
  });
});
