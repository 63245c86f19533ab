import { describe, expect, it } from "vitest";
import { joinAfter } from "../../../src/brokers/kafka/join-gate.ts";

const led = joinAfter(undefined, { generationId: 5, memberId: "a", leaderId: "a" });

describe("a join follows on the last generation that had an assignment", () => {
  it("which is the one before it, where that had one", () => {
    expect(led).toEqual({ generation: 5, memberId: "a", isLeader: true, follows: 4 });
  });

  it("over any number of generations that this member led in vain", () => {
    const second = joinAfter(led, { generationId: 6, memberId: "a", leaderId: "a" });
    expect(second.follows).toBe(4);
    expect(joinAfter(second, { generationId: 7, memberId: "a", leaderId: "b" }).follows).toBe(4);
  });

  it("but not over one that another led, or missed, or had as another member", () => {
    const other = joinAfter(undefined, { generationId: 5, memberId: "a", leaderId: "b" });
    expect(joinAfter(other, { generationId: 6, memberId: "a", leaderId: "a" }).follows).toBe(5);
    expect(joinAfter(led, { generationId: 7, memberId: "a", leaderId: "a" }).follows).toBe(6);
    expect(joinAfter(led, { generationId: 6, memberId: "c", leaderId: "c" }).follows).toBe(5);
  });
});
