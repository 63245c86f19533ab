import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Stage } from "../stage/stage.ts";
import { gap, pick, picked, Step } from "./step.ts";

/** A step about one of several things, done in one of several ways; `from` gives what can be done to this way. */
export function stepWith<Choice, T>(
  name: string,
  choices: Arbitrary<Choice>,
  from: (stage: Stage, choice: Choice) => readonly T[],
  act: (thing: T, stage: Stage, choice: Choice) => unknown,
): Arbitrary<Step> {
  return fc.tuple(choices, pick, gap).map(
    ([choice, index, gapped]) =>
      new Step({
        name,
        ready: (stage) => from(stage, choice).length > 0,
        act: (stage) => act(picked(from(stage, choice), index), stage, choice),
        gap: gapped,
      }),
  );
}
