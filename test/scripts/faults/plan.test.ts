import { describe, expect, it } from "vitest";
import { commonKinds, describeFault, type FaultKind, planRound } from "../../../scripts/faults/plan.ts";

const further: readonly FaultKind[] = ["member", "move"];
const messages = 20_000;
const rounds = (seed: number, kinds: readonly FaultKind[] = []) =>
  Array.from({ length: 20 }, (_, index) => planRound(seed, index + 1, messages, kinds));

describe("the plan of a round", () => {
  it("is the same for the same seed and round, whatever came before", () => {
    expect(planRound(7, 12, messages, further)).toEqual(rounds(7, further)[11]);
  });

  it("is another one for another seed or round", () => {
    const plans = [planRound(7, 1, messages), planRound(7, 2, messages), planRound(8, 1, messages)];
    expect(new Set(plans.map(({ faults }) => JSON.stringify(faults))).size).toBe(3);
    expect(new Set(plans.map(({ seed }) => seed)).size).toBe(3);
  });

  it.each([[[]], [further]])("has every kind in every round, further ones: %j", (kinds) => {
    for (const { faults } of rounds(3, kinds)) {
      const seen = new Set(faults.map(({ kind }) => kind));
      expect(seen).toEqual(new Set([...commonKinds, ...kinds]));
    }
  });

  it("begins faults while messages flow, in the order they are listed", () => {
    for (const seed of [1, 2, 3]) {
      for (const { faults } of rounds(seed, further)) {
        const begins = faults.map(({ afterHandled }) => afterHandled);
        expect(Math.min(...begins)).toBeGreaterThan(0.02 * messages);
        expect(Math.max(...begins)).toBeLessThan(0.9 * messages);
        expect(begins).toEqual(begins.toSorted((a, b) => a - b));
      }
    }
  });

  it("closes subscribers and lets members leave in every way there is", () => {
    const faults = rounds(5, further).flatMap((plan) => plan.faults);
    const ways = (kind: FaultKind) =>
      new Set(faults.filter((fault) => fault.kind === kind).map(({ how }) => how));
    expect(ways("reopen")).toEqual(new Set(["drain", "stop", "close", "close connection"]));
    expect(ways("member")).toEqual(new Set(["drain", "stop", "close connection", "kill"]));
    expect(ways("cut")).toEqual(new Set([undefined]));
  });

  it("has faults that begin while another one is at work", () => {
    const joined = rounds(1).filter(({ faults }) =>
      faults.some((fault, index) => fault.afterHandled === faults[index - 1]?.afterHandled),
    );
    expect(joined.length).toBeGreaterThan(5);
  });

  it("reads in a few words", () => {
    const common = { afterHandled: 1, thenMs: 0, how: undefined };
    expect(describeFault({ ...common, kind: "stall", lastsMs: 1_250, times: 1 })).toBe("stall 1.3s");
    expect(describeFault({ ...common, kind: "cut", lastsMs: 0, times: 3 })).toBe("cut x3");
    expect(describeFault({ ...common, kind: "reopen", lastsMs: 0, times: 1, how: "drain" })).toBe(
      "reopen drain",
    );
  });
});
