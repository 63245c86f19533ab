import type { Arbitrary } from "fast-check";
import { isBatching } from "../abilities.ts";
import { fc } from "../fast-check.ts";
import type { Stage } from "../stage/stage.ts";
import type { SubscriberActor } from "../stage/subscriber-actor.ts";
import { gap, pick, picked, Step } from "./step.ts";

/** Open, able to read in batches, and not in a loop. A batch must close before the ack deadline. */
function idle(stage: Stage, maxWaitMs: number): SubscriberActor[] {
  return stage.subscribers.filter(({ seat, handle, looping, batching }) => {
    const { batches, ackDeadlineMs = Number.POSITIVE_INFINITY } = seat.capabilities;
    const free = seat.state === "open" && !looping && batching === undefined;
    return free && batches && isBatching(handle) && maxWaitMs < ackDeadlineMs;
  });
}

/** Begins a loop over batches and asks for the first: `pull`, `break` and `close` go on with it. */
export const batchLoop: Arbitrary<Step> = fc
  .tuple(pick, fc.integer({ min: 1, max: 4 }), fc.constantFrom(30, 0, 100), gap)
  .map(
    ([index, max, maxWaitMs, gapped]) =>
      new Step({
        name: "batches",
        ready: (stage) => idle(stage, maxWaitMs).length > 0,
        act: (stage) => {
          const subscriber = picked(idle(stage, maxWaitMs), index);
          subscriber.beginBatches({ max, maxWaitMs });
          return subscriber.pull();
        },
        gap: gapped,
      }),
  );
