import { describe, expect, it } from "vitest";
import { readArguments } from "../../compare/arguments.ts";
import { contestants } from "../../compare/parts/contestant.ts";
import type { Findings } from "../../compare/parts/judge.ts";
import { keptPromises, toTable } from "../../compare/parts/report.ts";

const sound: Findings = {
  published: 9,
  handled: 9,
  unhandled: [],
  outOfOrder: [],
  sameKeyAtOnce: 0,
  repeats: 2,
  retries: { failed: 3, overtaken: 0 },
  poison: { 5: 5 },
};
const aside = { queued: 0, deadLettered: [5] };

function cells(findings: Partial<Findings>, holdings = aside): string[] {
  const result = { findings: { ...sound, ...findings }, holdings, kills: 2 };
  const table = toTable([{ name: "raw", versions: "", server: "", result }], true);
  return (table.split("\n")[2] ?? "").split(" | ").slice(1);
}

describe("toTable", () => {
  it("has a line for each row, in Markdown and as text", () => {
    expect(cells({})).toEqual(["0", "0", "0", "2", "0 of 3", "dead-lettered after 5 attempts |"]);
    const row = {
      name: "raw",
      versions: "",
      server: "",
      result: { findings: sound, holdings: aside, kills: 2 },
    } as const;
    expect(toTable([row, row], false).split("\n")).toHaveLength(3);
  });

  it("says where the messages are that nobody handled", () => {
    const [lost] = cells({ unhandled: [1, 2, 3] }, { queued: 1, deadLettered: [5, 2] });
    expect(lost).toBe("3 (1 dead-lettered, 1 still queued, 1 gone)");
  });

  it.each([
    [{ queued: 0, deadLettered: [] }, "gone after 1 attempt |"],
    [{ queued: 1, deadLettered: [] }, "still retried after 1 attempt |"],
    [{ queued: 0, deadLettered: [5] }, "dead-lettered after 1 attempt |"],
  ])("says what became of the poison message with %j", (holdings, fate) => {
    expect(cells({ poison: { 5: 1 } }, holdings).at(-1)).toBe(fate);
  });
});

describe("keptPromises", () => {
  const kept = (findings: Partial<Findings>, deadLettered = [5]): boolean =>
    keptPromises({ findings: { ...sound, ...findings }, holdings: { queued: 0, deadLettered }, kills: 2 });

  it("allows repeats, which a kill makes", () => {
    expect(kept({})).toBe(true);
  });

  it.each([
    ["a lost message", { unhandled: [1] }],
    ["one out of order", { outOfOrder: [1] }],
    ["two of a key at once", { sameKeyAtOnce: 1 }],
    ["an overtaken retry", { retries: { failed: 3, overtaken: 1 } }],
  ])("sees %s", (_, findings) => {
    expect(kept(findings)).toBe(false);
  });

  it("sees a poison message that was not set aside", () => {
    expect(kept({}, [])).toBe(false);
  });
});

describe("readArguments", () => {
  it("has defaults, and takes all", () => {
    const given = readArguments(["raw", "tidelane"]);
    expect(given).toEqual({
      names: ["raw", "tidelane"],
      messages: 2_000,
      workers: 8,
      seed: 1,
      markdown: false,
    });
    expect(readArguments(["all"]).names).toEqual(contestants);
  });

  it.each([
    [[], "Nothing to compare"],
    [["rwa"], '"rwa"'],
    [["raw", "--messages", "9"], "--messages must be"],
    [["raw", "--at-once", "0"], "--at-once must be"],
    [["raw", "--sed", "1"], "--sed"],
  ])("refuses %j", (args, message) => {
    expect(() => readArguments(args)).toThrow(message);
  });
});
