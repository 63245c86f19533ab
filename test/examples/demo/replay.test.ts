import { describe, expect, it } from "vitest";
import type { PackageLine } from "../../../examples/demo/log.ts";
import type { Step } from "../../../examples/demo/package-machine.ts";
import { OrderTally, Replay } from "../../../examples/demo/replay.ts";

const install: readonly Step[] = [
  "install",
  "status half-installed",
  "status unpacked",
  "configure",
  "status unpacked",
  "status half-configured",
  "status installed",
];

function line(name: string, step: Step): PackageLine {
  return { kind: "package", text: `${name} ${step}`, package: name, step };
}

/** A tally that has read `steps` of one package as lines 1, 2, 3… and handled them in the order of `numbers`. */
function tally(steps: readonly Step[], numbers: readonly number[]): OrderTally {
  const order = new OrderTally();
  for (const [index, step] of steps.entries()) order.read(line("a:all", step), index + 1);
  for (const number of numbers) order.handled(line("a:all", steps[number - 1] as Step), number);
  return order;
}

describe("Replay", () => {
  it("keeps packages apart", () => {
    const replay = new Replay();
    expect(replay.step(line("a:all", "install"), 1)).toEqual({ verdict: "legal", inSequence: true });
    expect(replay.step(line("b:all", "install"), 2)).toEqual({ verdict: "legal", inSequence: true });
    expect(replay.step(line("a:all", "install"), 3)).toEqual({ verdict: "illegal", inSequence: true });
    expect(replay.packages).toBe(2);
  });

  it("is out of sequence when a line comes late or twice", () => {
    const replay = new Replay();
    replay.step(line("a:all", "install"), 5);
    expect(replay.step(line("a:all", "status half-installed"), 4).inSequence).toBe(false);
    expect(replay.step(line("a:all", "status unpacked"), 4).inSequence).toBe(false);
  });
});

describe("OrderTally", () => {
  const none = { packages: 1, outOfSequence: 0, illegalFromRun: 0, illegalFromFile: 0, unknown: 0 };

  it("finds nothing when the lines are handled in their order", () => {
    expect(tally(install, [1, 2, 3, 4, 5, 6, 7]).result).toEqual(none);
  });

  it("blames the run for two lines that changed places", () => {
    const { result } = tally(install, [1, 3, 2, 4, 5, 6, 7]);
    expect(result).toMatchObject({ outOfSequence: 1, illegalFromFile: 0 });
    expect(result.illegalFromRun).toBeGreaterThan(0);
  });

  it("blames the run for a line handled twice", () => {
    expect(tally(install, [1, 2, 2, 3, 4, 5, 6, 7]).result).toMatchObject({
      outOfSequence: 1,
      illegalFromRun: 1,
    });
  });

  it("blames the file for what is illegal there already", () => {
    const steps: Step[] = ["install", "status unpacked", "configure"];
    expect(tally(steps, [1, 2, 3]).result).toEqual({ ...none, illegalFromFile: 1 });
  });

  it("counts steps the table does not know, and blames nobody", () => {
    const steps: Step[] = [...install, "remove", "status half-configured"];
    expect(tally(steps, [1, 2, 3, 4, 5, 6, 7, 8, 9]).result).toEqual({ ...none, unknown: 2 });
  });
});
