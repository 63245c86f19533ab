import type { Arbitrary, Random } from "fast-check";
import { fc } from "../fast-check.ts";
import { publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { Repetition } from "../steps/repeating.ts";
import { ack, requeue } from "../steps/settling.ts";
import type { Step } from "../steps/step.ts";
import type { Subject } from "../subject.ts";
import { drawn, type Part } from "./part.ts";

type Cycle = readonly Step[];

/** Enough for a fault that shows once in some dozens of deliveries. */
const mostTimes = 60;

/** Cycles that a long history may be said by; none where repeating them would take its time. */
export function refrainsOf({ capabilities, fixture }: Subject): (random: Random) => readonly Part<Step>[] {
  if (fixture.time === "real") return () => [];
  const cycles: readonly Arbitrary<Cycle>[] = [
    fc.tuple(publish(), pull),
    fc.tuple(publish(), pull, ack),
    ...(capabilities.requeue ? [fc.tuple(publish(), pull, requeue)] : []),
  ];
  return (random) => cycles.map((cycle) => repeated(drawn(cycle, random, undefined), mostTimes));
}

/** Smaller where its cycle comes less often, and where its steps are smaller. */
function repeated(cycle: Part<Cycle>, times: number): Part<Step> {
  return {
    value: new Repetition(cycle.value, times),
    *smaller() {
      const fewer = fc.integer({ min: 2, max: times }).shrink(times, undefined);
      for (const { value } of fewer) yield repeated(cycle, value);
      for (const simpler of cycle.smaller()) yield repeated(simpler, times);
    },
  };
}
