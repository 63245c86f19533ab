import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Lane, type LaneEntry, Lanes } from "../../src/runtime/lanes.ts";

class Entry implements LaneEntry {
  readonly sequence: number;
  readonly key: string | undefined;
  behind: this | undefined = undefined;
  lane: Lane<this> | undefined = undefined;

  constructor(sequence: number, key?: string) {
    this.sequence = sequence;
    this.key = key;
  }
}

type Step = { readonly add: string | undefined } | "take" | { readonly again: number } | { finish: number };

/** The same, without a thought for cost: a list in order of arrival and what is out of it. */
class NaiveLanes {
  readonly entries: Entry[] = [];
  readonly out: Entry[] = [];

  get runnable(): Entry | undefined {
    return this.entries.find((entry) => !this.out.includes(entry) && !this.isBehind(entry));
  }

  isBehind(entry: Entry): boolean {
    if (entry.key === undefined) return false;
    return this.entries.some(({ key, sequence }) => key === entry.key && sequence < entry.sequence);
  }

  get keys(): number {
    return new Set(this.entries.map(({ key }) => key).filter((key) => key !== undefined)).size;
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ add: fc.constantFrom("a", "b", "c", "", undefined) }) },
  { weight: 3, arbitrary: fc.constant("take" as const) },
  { weight: 1, arbitrary: fc.record({ again: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ finish: fc.nat() }) },
);

function removeFrom(list: Entry[], entry: Entry): void {
  list.splice(list.indexOf(entry), 1);
}

function play(steps: readonly Step[]): void {
  const lanes = new Lanes<Entry>();
  const model = new NaiveLanes();
  let sequence = 0;
  for (const each of steps) {
    if (each === "take") {
      const expected = model.runnable;
      expect(lanes.take()).toBe(expected);
      if (expected) model.out.push(expected);
    } else if ("add" in each) {
      const entry = new Entry(sequence++, each.add);
      lanes.add(entry);
      model.entries.push(entry);
    } else {
      const index = "again" in each ? each.again : each.finish;
      const entry = model.out[index % model.out.length];
      if (entry === undefined) continue;
      removeFrom(model.out, entry);
      if ("again" in each) lanes.again(entry);
      else {
        lanes.finish(entry);
        removeFrom(model.entries, entry);
      }
    }
    expect(lanes.size).toBe(model.keys);
    const keysOut = model.out.map(({ key }) => key).filter((key) => key !== undefined);
    expect(new Set(keysOut).size).toBe(keysOut.length);
  }
}

describe("Lanes", () => {
  it("do what a naive list does: one of a key out, oldest runnable first, no lane without entries", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), play), { numRuns: 1_000 });
  });

  it("forget a key with its last entry, and know it again when it comes back", () => {
    const lanes = new Lanes<Entry>();
    const [first, second] = [new Entry(0, "a"), new Entry(1, "a")];
    lanes.add(first);
    lanes.take();
    lanes.finish(first);
    expect(lanes.size).toBe(0);
    lanes.add(second);
    expect([lanes.size, lanes.take()]).toEqual([1, second]);
  });

  it("keep no entry alive through the one that was ahead of it", () => {
    const lanes = new Lanes<Entry>();
    const [first, second] = [new Entry(0, "a"), new Entry(1, "a")];
    lanes.add(first);
    lanes.add(second);
    lanes.take();
    lanes.finish(first);
    expect([first.behind, first.lane]).toEqual([undefined, undefined]);
  });
});
