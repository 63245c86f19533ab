import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Entry, readEntry } from "../../compare/parts/journal.ts";
import { type Findings, judge } from "../../compare/parts/judge.ts";
import { type Behavior, type Order, scenarioOf } from "../../compare/parts/scenario.ts";

/** "a b a" is three messages of two keys; "a!" fails once, "a*" always. */
function published(text: string): Order[] {
  const lengths = new Map<string, number>();
  return text.split(" ").map((word, id) => {
    const key = word[0] ?? "";
    const sequence = (lengths.get(key) ?? 0) + 1;
    lengths.set(key, sequence);
    const behaviors: Record<string, Behavior> = { "!": "fails-once", "*": "always-fails" };
    return { id, key, sequence, delayMs: 1, behavior: behaviors[word[1] ?? ""] ?? "succeeds" };
  });
}

/** "+0 -0" is a handling of message 0 that succeeds, "+0 x0" one that throws, "boot" a new process. */
function journal(text: string): Entry[] {
  const events = { "+": "start", "-": "done", x: "fail" } as const;
  return text.split(" ").map((word) => {
    if (word === "boot") return { event: "boot" };
    const event = events[word[0] as keyof typeof events];
    return { event, id: Number(word.slice(1)) };
  });
}

function found(messages: string, lines: string): Findings {
  return judge(published(messages), journal(`boot ${lines}`));
}

const clean = {
  unhandled: [],
  outOfOrder: [],
  sameKeyAtOnce: 0,
  repeats: 0,
  retries: { failed: 0, overtaken: 0 },
  poison: {},
};

describe("judge", () => {
  it("finds nothing where keys take turns", () => {
    expect(found("a b a", "+0 +1 -1 -0 +2 -2")).toEqual({ ...clean, published: 3, handled: 3 });
  });

  it("finds nothing in any run that handles key by key, however the keys interleave", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.infiniteStream(fc.nat()), (seed, choices) => {
        const { orders } = scenarioOf(seed, 120);
        const { poison, retries, ...rest } = judge(orders, inLanes(orders, choices));
        expect(rest).toEqual({
          published: 119,
          handled: 119,
          unhandled: [],
          outOfOrder: [],
          sameKeyAtOnce: 0,
          repeats: 0,
        });
        expect(retries.overtaken).toBe(0);
        expect(Object.values(poison)).toEqual([2]);
      }),
      { numRuns: 50 },
    );
  });

  it("finds a message that nobody handled, and one that only ever threw", () => {
    expect(found("a b! c", "+0 -0 +1 x1").unhandled).toEqual([1, 2]);
    expect(found("a b! c", "+0 -0 +1 x1").handled).toBe(1);
  });

  it("does not take a handling that its process did not end for one that succeeded", () => {
    expect(found("a", "+0 boot").unhandled).toEqual([0]);
  });

  it("finds two of a key at once, and that the second began too early", () => {
    expect(found("a a", "+0 +1 -0 -1")).toMatchObject({ sameKeyAtOnce: 1, outOfOrder: [1] });
  });

  it("finds one message twice at once", () => {
    expect(found("a", "+0 +0 -0 -0")).toMatchObject({ sameKeyAtOnce: 1, outOfOrder: [], repeats: 0 });
  });

  it("finds a swap", () => {
    expect(found("a a", "+1 -1 +0 -0")).toMatchObject({ sameKeyAtOnce: 0, outOfOrder: [1] });
  });

  it("counts a message out of order once, however often it comes", () => {
    expect(found("a a", "+1 -1 +1 -1 +0 -0").outOfOrder).toEqual([1]);
  });

  it("lets what a kill cut short begin again, alone", () => {
    expect(found("a a", "+0 boot +0 -0 +1 -1")).toEqual({ ...clean, published: 2, handled: 2 });
  });

  it("finds what overtakes a message that a kill cut short", () => {
    expect(found("a a", "+0 boot +1 -1 +0 -0")).toMatchObject({ sameKeyAtOnce: 0, outOfOrder: [1] });
  });

  it("counts a repeat of what was done, and does not call it out of order", () => {
    expect(found("a a", "+0 -0 boot +0 -0 +1 -1")).toMatchObject({ repeats: 1, outOfOrder: [] });
  });

  it("finds a retry that the next message of its key overtook", () => {
    const findings = found("a! a b", "+0 x0 +1 -1 +0 -0 +2 -2");
    expect(findings).toMatchObject({ retries: { failed: 1, overtaken: 1 }, outOfOrder: [1] });
  });

  it("does not call a retry overtaken by the repeat of a message that had succeeded before it threw", () => {
    const findings = found("a! a", "+1 -1 +0 x0 boot +1 -1 +0 -0");
    expect(findings).toMatchObject({ retries: { failed: 1, overtaken: 0 }, outOfOrder: [1], repeats: 1 });
  });

  it("lets other keys, and repeats of earlier messages, pass a retry", () => {
    const findings = found("a a! b", "+0 -0 +1 x1 +2 -2 boot +0 -0 +1 -1");
    expect(findings).toMatchObject({ retries: { failed: 1, overtaken: 0 }, outOfOrder: [], repeats: 1 });
  });

  it("counts a retry as overtaken when its message was never handled", () => {
    expect(found("a! a", "+0 x0 +1 -1").retries).toEqual({ failed: 1, overtaken: 1 });
  });

  it("counts attempts at the poison message, and asks nobody to wait for its success", () => {
    const findings = found("a a* a", "+0 -0 +1 x1 +1 x1 +2 -2");
    expect(findings).toEqual({ ...clean, published: 2, handled: 2, poison: { 1: 2 } });
  });

  it("still holds a message behind the poison message to the one before it", () => {
    expect(found("a a* a", "+2 -2 +0 -0").outOfOrder).toEqual([2]);
  });

  it("finds the poison message beside another of its key", () => {
    expect(found("a* a", "+0 +1 x0 -1").sameKeyAtOnce).toBe(1);
  });

  it.each([
    ["a message that nobody published", "+7"],
    ["an end without a beginning", "-0"],
    ["an end of another message of the key", "+0 -1"],
    ["an end of what another process began", "+0 boot -0"],
  ])("refuses a journal with %s", (_, lines) => {
    expect(() => found("a a", lines)).toThrow(/journal/);
  });
});

describe("readEntry", () => {
  it("reads what handlers write", () => {
    expect(["boot", "start 3", "done 3", "fail 12"].map(readEntry)).toEqual(journal("boot +3 -3 x12"));
  });

  it.each(["", "start", "start x", "done 3 4", " boot"])("refuses %j", (line) => {
    expect(() => readEntry(line)).toThrow("no handler writes");
  });
});

/** A journal of handlers in lanes: several keys at once, a key's messages one after another, retries in place. */
function inLanes(orders: readonly Order[], choices: fc.Stream<number>): Entry[] {
  const lanes = new Map<string, Entry[]>();
  for (const { id, key, behavior } of orders) {
    const steps = lanes.get(key) ?? [];
    lanes.set(key, steps);
    const thrown: Entry[] = [
      { event: "start", id },
      { event: "fail", id },
    ];
    if (behavior !== "succeeds") steps.push(...thrown);
    if (behavior === "always-fails") steps.push(...thrown);
    else steps.push({ event: "start", id }, { event: "done", id });
  }
  const entries: Entry[] = [{ event: "boot" }];
  for (const choice of choices) {
    const open = [...lanes.values()].filter((steps) => steps.length > 0);
    const next = open[choice % open.length]?.shift();
    if (next === undefined) break;
    entries.push(next);
  }
  return entries;
}
