import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Stage } from "../stage/stage.ts";
import { gap, oneOf, Step, type Weighted } from "./step.ts";

/** Several steps in one turn of the event loop: each is called before any of the others is answered. */
export function moment(steps: readonly Weighted[]): Arbitrary<Step> {
  const together = fc.array(oneOf(steps), { minLength: 2, maxLength: 4 });
  return fc.tuple(together, gap).map(
    ([parts, gapped]) =>
      new Step({
        name: `at once: ${parts.join(", ")}`,
        ready: (stage) => parts.some((part) => part.check(stage)),
        act: (stage) => perform(stage, parts),
        gap: gapped,
      }),
  );
}

function perform(stage: Stage, parts: readonly Step[]): Promise<unknown> {
  const close = stage.trace.fold("at once");
  const answers = parts.map((part) => part.perform(stage));
  close();
  return Promise.all(answers);
}
