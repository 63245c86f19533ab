import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseLine } from "../../../examples/demo/log.ts";
import { judge, type Step, transitions, unseen } from "../../../examples/demo/package-machine.ts";

/** The steps of every package of the real log, in its order. */
function realHistories(): Map<string, Step[]> {
  const histories = new Map<string, Step[]>();
  for (const text of readFileSync("examples/data/dpkg.log", "utf8").split("\n")) {
    const line = parseLine(text);
    if (line.kind === "malformed") continue;
    const history = histories.get(line.package) ?? [];
    history.push(line.step);
    histories.set(line.package, history);
  }
  return histories;
}

describe("the state machine of a package", () => {
  it("is exactly what the real log shows, no transition more and none less", () => {
    const shown = new Set<string>();
    for (const history of realHistories().values()) {
      for (const [index, step] of history.entries()) shown.add(`${history[index - 1] ?? unseen} -> ${step}`);
    }
    const written = Object.entries(transitions).flatMap(([from, tos]) => tos.map((to) => `${from} -> ${to}`));
    expect([...shown].sort()).toEqual(written.sort());
    expect(written).toHaveLength(21);
  });

  it("judges a step by where the package is", () => {
    expect(judge(unseen, "install")).toBe("legal");
    expect(judge("status half-configured", "status installed")).toBe("legal");
    expect(judge("status installed", "upgrade")).toBe("legal");
    expect(judge(unseen, "status installed")).toBe("illegal");
    expect(judge("install", "status installed")).toBe("illegal");
    expect(judge("status installed", "status installed")).toBe("illegal");
  });

  it("does not judge steps the table does not have", () => {
    expect(judge("status installed", "remove")).toBe("unknown");
    expect(judge("remove", "status half-configured")).toBe("unknown");
  });

  it("notices two neighbouring lines of a package that change places, wherever the log has them", () => {
    const unnoticed: string[] = [];
    let swaps = 0;
    for (const history of realHistories().values()) {
      for (let at = 1; at < history.length; at += 1) {
        const swapped = history.with(at - 1, history[at] as Step).with(at, history[at - 1] as Step);
        if (swapped[at] === history[at]) continue;
        swaps += 1;
        if (swapped.every((step, index) => judge(swapped[index - 1] ?? unseen, step) === "legal"))
          unnoticed.push(`${history[at - 1]}, ${history[at]}`);
      }
    }
    expect(swaps).toBeGreaterThan(4_000);
    // The exception is legal both ways; the check of the line numbers, which runs beside this one, finds it.
    expect(unnoticed).toEqual(["status triggers-awaited, status installed"]);
  });
});
