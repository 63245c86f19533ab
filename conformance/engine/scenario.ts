import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { leave } from "../stage/epilogue.ts";
import type { Stage, Topics } from "../stage/stage.ts";
import type { Subject } from "../subject.ts";

export interface ScenarioDesign<T> {
  /** @default one, "A", with no needs */
  readonly topics?: Topics;
  readonly cases: Arbitrary<T>;
  /** Plays one case, and calls `stage.violate` on a contradiction. */
  readonly play: (stage: Stage, value: T) => Promise<void>;
}

/** A law over cases of its own making, for what the ledger has no part in. */
export function scenario<T>(design: (subject: Subject) => ScenarioDesign<T>): Law["property"] {
  return (play) => {
    const { topics = { A: {} }, cases, play: act } = design(play.subject);
    return fc.asyncProperty(cases, (value) =>
      play.run(topics, async (stage) => {
        stage.trace.begin();
        await act(stage, value);
        // A script checks its law in each of its plays.
        stage.judged([play.law]);
        stage.check();
        await leave(stage);
      }),
    );
  };
}
