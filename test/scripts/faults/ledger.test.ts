import { describe, expect, it } from "vitest";
import { Ledger } from "../../../scripts/faults/ledger.ts";
import { violationsOf } from "../../../scripts/faults/verdict.ts";

const keys = ["a", "b"];
const perKey = 10;
const messages = keys.length * perKey;

type Handling = readonly [key: string, sequence: number, copy?: number];

/** All messages in order, one key after the other. */
const sound: readonly Handling[] = keys.flatMap((key) =>
  Array.from({ length: perKey }, (_, index) => [key, index + 1] as const),
);

/** A ledger with everything published and confirmed, `tried` times each, and handled like this. */
function ledgerOf(handlings: readonly Handling[], tried = 1): Ledger {
  const ledger = new Ledger();
  for (const [key, sequence] of sound) {
    for (let copy = 1; copy <= tried; copy += 1) ledger.publishing({ key, sequence, copy });
    ledger.confirmed(key, sequence);
  }
  handlings.forEach(([key, sequence, copy = 1], index) => {
    ledger.handled({ key, sequence, copy }, index);
  });
  return ledger;
}

function judge(handlings: readonly Handling[], { mostRepeats = 0, storesOnce = true, tried = 1 } = {}) {
  const findings = ledgerOf(handlings, tried).findings();
  return violationsOf(findings, { messages, mostRepeats, storesOnce, hangs: undefined });
}

describe("a round as it should be", () => {
  it("has no violation", () => {
    expect(judge(sound)).toEqual([]);
    expect(ledgerOf(sound).complete).toBe(true);
  });

  it("may have its keys in any order between each other", () => {
    const mixed = sound.toSorted(([, one], [, other]) => one - other);
    expect(judge(mixed)).toEqual([]);
  });

  it("may have repeats up to the bound, also out of order", () => {
    const repeated: Handling[] = [...sound, ["a", 9], ["a", 3]];
    expect(judge(repeated, { mostRepeats: 2 })).toEqual([]);
    expect(ledgerOf(repeated).findings()).toMatchObject({ repeats: 2, copies: 0, handled: messages });
  });
});

describe("planted faults", () => {
  it("a message that was lost", () => {
    const lost = sound.filter(([key, sequence]) => !(key === "a" && sequence === 4));
    expect(judge(lost)).toEqual(["1 were lost: key a #4."]);
    expect(ledgerOf(lost).complete).toBe(false);
  });

  it("a lost message is not made up for by a repeat", () => {
    const lost: Handling[] = sound.map(([key, sequence]) => [key, sequence === 4 ? 3 : sequence]);
    expect(judge(lost, { mostRepeats: 2 })).toEqual(["2 were lost: key a #4, key b #4."]);
  });

  it("two messages of a key that changed places", () => {
    const swapped: Handling[] = [["a", 2], ["a", 1], ...sound.slice(2)];
    expect(judge(swapped)).toEqual(["1 came out of order: key a #1 after #2."]);
  });

  it("one that comes after many later ones, and the ones of other keys", () => {
    const late: Handling[] = [...sound.slice(1), ["a", 1]];
    expect(judge(late)).toEqual(["1 came out of order: key a #1 after #10."]);
  });

  it("more repeats than were in flight", () => {
    const repeated: Handling[] = [...sound, ["a", 1], ["a", 1], ["b", 5]];
    expect(judge(repeated, { mostRepeats: 2 })).toEqual([
      "3 were handled again, and 2 at most were in flight at the faults.",
    ]);
  });

  it("a copy the publisher made, where the broker says it stores one", () => {
    const twice: Handling[] = [...sound, ["b", 5, 2]];
    expect(judge(twice, { tried: 2 })).toEqual([
      "1 were stored twice, though publishing them again should not have done that.",
    ]);
    expect(judge(twice, { tried: 2, storesOnce: false })).toEqual([]);
  });

  it("a copy and a repeat are told apart", () => {
    const both: Handling[] = [...sound, ["b", 5, 2], ["b", 5, 2], ["b", 5, 1]];
    expect(ledgerOf(both, 2).findings()).toMatchObject({ copies: 1, repeats: 2 });
  });

  it.each([
    [["c", 1] as Handling],
    [["a", 11] as Handling],
    [["a", 0] as Handling],
    [["a", 3, 2] as Handling],
    [["a", Number.NaN] as Handling],
  ])("one nobody has published: %j", (handling) => {
    expect(judge([...sound, handling])).toEqual([
      `1 were never published: key ${handling[0]} #${handling[1]}.`,
    ]);
  });

  it("messages that were never confirmed, and a round that hangs", () => {
    const ledger = new Ledger();
    ledger.publishing({ key: "a", sequence: 1, copy: 1 });
    const said = violationsOf(ledger.findings(), {
      messages,
      mostRepeats: 0,
      storesOnce: true,
      hangs: "for 30 s, and consumer 0 is open",
    });
    expect(said).toEqual([
      "It hangs: nothing was confirmed or handled for 30 s, and consumer 0 is open.",
      "Only 0 of 20 messages were confirmed.",
    ]);
  });
});

describe("the ledger", () => {
  it("takes the first handling of a message that is not confirmed yet", () => {
    const ledger = new Ledger();
    ledger.publishing({ key: "a", sequence: 1, copy: 1 });
    ledger.handled({ key: "a", sequence: 1, copy: 1 }, 5);
    expect(ledger.findings()).toMatchObject({ handled: 1, confirmed: 0, lost: [], invented: [] });
    ledger.confirmed("a", 1);
    expect(ledger.complete).toBe(true);
  });

  it("counts handlings of a time, repeats included", () => {
    const ledger = ledgerOf([...sound, ["a", 1]]);
    expect(ledger.handledBetween(messages - 1, messages)).toBe(2);
    expect(ledger.handledBetween(0, 4)).toBe(5);
  });

  it("refuses confirmations of a key that are not one after the other: its order would not be known", () => {
    const ledger = new Ledger();
    ledger.publishing({ key: "a", sequence: 2, copy: 1 });
    expect(() => ledger.confirmed("a", 2)).toThrow("key a #2 was confirmed after #0");
  });
});
