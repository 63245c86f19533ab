import { lawNames } from "tidelane/conformance";
import { describe, expect, it } from "vitest";
import { planSoak, type SoakStep } from "../../../scripts/soak/plan.ts";
import { formatSummary, type Outcome, runSoak } from "../../../scripts/soak/soak.ts";

function first(count: number, seed: number, faults = true): SoakStep[] {
  const steps = planSoak(seed, lawNames, faults);
  return Array.from({ length: count }, () => steps.next().value);
}

describe("the steps of a soak", () => {
  it("are the same for the same seed, and others for another", () => {
    expect(first(100, 7)).toEqual(first(100, 7));
    expect(first(100, 7)).not.toEqual(first(100, 8));
  });

  it("have every law once before one comes again, in another order and at a fresh seed", () => {
    const laws = first(2 * lawNames.length, 3, false);
    const [once, again] = [laws.slice(0, lawNames.length), laws.slice(lawNames.length)];
    const names = (steps: SoakStep[]) => steps.map((step) => (step.kind === "law" ? step.law : "faults"));
    for (const half of [once, again]) expect(names(half).toSorted()).toEqual([...lawNames].sort());
    expect(names(once)).not.toEqual(names(again));
    expect(new Set(laws.map(({ seed }) => seed)).size).toBe(laws.length);
  });

  it("have a round of faults after every twelve laws, where there are rounds", () => {
    const kinds = first(39, 3).map(({ kind }) => kind);
    expect(kinds.flatMap((kind, index) => (kind === "faults" ? [index] : []))).toEqual([12, 25, 38]);
    expect(first(50, 3, false).some(({ kind }) => kind === "faults")).toBe(false);
  });

  it("have the same seeds whether or not there are rounds", () => {
    const laws = (faults: boolean) => first(26, 5, faults).filter(({ kind }) => kind === "law");
    expect(laws(true)).toEqual(laws(false).slice(0, 24));
  });
});

describe("a soak", () => {
  const pass: Outcome = { verdict: "pass", histories: 10, messages: 0 };

  /** Each step takes 20 seconds, and comes to what `outcomes` says of it, or passes. */
  async function soak(outcomes: Record<number, Outcome | Error>, keepGoing = false, minutes = 2) {
    const lines: string[] = [];
    let [now, played] = [1_000, 0];
    const summary = await runSoak({
      steps: planSoak(1, lawNames, true),
      minutes,
      keepGoing,
      play: async ({ kind }) => {
        now += 20_000;
        played += 1;
        const outcome = outcomes[played] ?? (kind === "law" ? pass : { ...pass, histories: 0, messages: 7 });
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      again: ({ kind, seed }) => `${kind} --seed ${seed}`,
      now: () => now,
      write: (line) => lines.push(line),
    });
    return { lines, summary };
  }

  it("goes on until the time is over, and finishes what has begun by then", async () => {
    const { summary } = await soak({});
    expect(summary).toEqual({ laws: 6, rounds: 0, histories: 60, messages: 0, failures: 0, minutes: 2 });
  });

  it("says in one line what each step came to", async () => {
    const { lines, summary } = await soak({}, false, 5);
    expect(lines).toHaveLength(15);
    expect(lines[1]).toMatch(/^00:00:20 {2}law [a-z-]+ +seed \d+ +10 histories {2}pass +20\.0 s$/);
    expect(lines[12]).toMatch(/^00:04:00 {2}faults +seed \d+ +7 messages {2}pass +20\.0 s$/);
    expect(formatSummary(summary)).toBe(
      "5.0 minutes, 14 laws with 140 histories, 1 fault rounds with 7 messages, 0 failures",
    );
  });

  it("ends at the first failure, with the command that replays it", async () => {
    const failed: Outcome = { ...pass, verdict: "fail", failure: "It came twice." };
    const { lines, summary } = await soak({ 2: failed });
    expect(summary).toMatchObject({ laws: 2, failures: 1 });
    expect(lines.at(-1)).toMatch(/^It came twice\.\nagain: law --seed \d+$/);
  });

  it("collects failures when told to, those that no report says too", async () => {
    const { lines, summary } = await soak({ 2: new Error("the server has gone") }, true);
    expect(summary).toMatchObject({ laws: 6, failures: 1 });
    expect(lines.join("\n")).toContain("the server has gone");
  });

  it("says nothing of a law that the broker does not claim", async () => {
    const { lines, summary } = await soak({ 1: { ...pass, verdict: "skipped", histories: 0 } });
    expect(summary).toMatchObject({ laws: 5 });
    expect(lines).toHaveLength(5);
  });
});
