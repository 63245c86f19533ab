import { describe, expect, it } from "vitest";
import { againstOther } from "../../bench/method/against.ts";
import type { Contest } from "../../bench/method/contract.ts";

const module = "loops/none.js";
const contest: Contest = {
  name: "none",
  title: "None",
  work: { kind: "burst", size: 1 },
  loops: [
    { name: "raw", label: "raw", module, make: "raw" },
    { name: "app", label: "app", module, make: "app", against: [{ loop: "raw", atLeast: 1 }] },
    { name: "more", label: "more", module, make: "more" },
  ],
};

describe("againstOther", () => {
  it("runs each loop beside its own of the other checkout, and holds it against that first", () => {
    const { loops } = againstOther(contest);
    expect(loops.map(({ name, tree }) => [name, tree])).toEqual([
      ["raw", undefined],
      ["raw-other", "other"],
      ["app", undefined],
      ["app-other", "other"],
      ["more", undefined],
      ["more-other", "other"],
    ]);
    expect(loops[0]?.against).toEqual([{ loop: "raw-other" }]);
    expect(loops[2]?.against).toEqual([{ loop: "app-other" }, { loop: "raw", atLeast: 1 }]);
  });

  it("leaves what a loop without a rival is held against: the first", () => {
    expect(againstOther(contest).loops[4]?.against).toEqual([{ loop: "more-other" }, { loop: "raw" }]);
  });

  it("holds the other checkout against nothing: its ratios are the other's to tell", () => {
    for (const { tree, against } of againstOther(contest).loops) {
      if (tree === "other") expect(against).toEqual([]);
    }
  });
});
