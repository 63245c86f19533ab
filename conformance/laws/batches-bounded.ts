import type { Arbitrary } from "fast-check";
import { isBatching } from "../abilities.ts";
import { source } from "../claims.ts";
import { either } from "../engine/either.ts";
import { history } from "../engine/history.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { BatchReader } from "../stage/batch-reader.ts";
import { conclude } from "../stage/epilogue.ts";
import { batchLoop } from "../steps/batching.ts";
import { advance, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, close, pause, pull, resume } from "../steps/receiving.ts";
import { ack, delay, drop, requeue } from "../steps/settling.ts";

type Event = { readonly publish: number } | { readonly advance: number };

const event: Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }).map((publish) => ({ publish })) },
  { weight: 2, arbitrary: fc.constantFrom(5, 10, 30).map((advance) => ({ advance })) },
);

interface Case {
  readonly max: number;
  readonly maxWaitMs: number;
  readonly events: Event[];
  /** Which of the deliveries, counted over all batches, are requeued once. */
  readonly requeued: number[];
}

/** One loop over batches that nobody disturbs: how large they are, and when they close. */
const timing: Law["property"] = scenario<Case>(({ capabilities }) => ({
  cases: fc.record({
    max: fc.integer({ min: 1, max: 4 }),
    maxWaitMs: fc.constantFrom(10, 0, 25),
    events: fc.array(event, { minLength: 1, maxLength: 8 }),
    requeued: capabilities.requeue ? fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 2 }) : fc.constant([]),
  }),
  play: async (stage, { max, maxWaitMs, events, requeued }) => {
    const connection = await stage.connect();
    const subscriber = await connection.open({ topic: "A", options: { group: "g" } });
    if (subscriber === undefined || !isBatching(subscriber.handle)) {
      stage.violate(["batches-bounded", "capabilities-match"], "there is no batches()", "it is claimed");
      return;
    }
    const reader = new BatchReader(stage, subscriber.seat, { max, maxWaitMs, requeued: new Set(requeued) });
    const reading = reader.read(subscriber.handle);
    for (const step of events) {
      if ("publish" in step) {
        for (let left = step.publish; left > 0; left -= 1) {
          await stage.step(() => connection.publish({ topic: "A" }));
        }
      } else {
        stage.trace.line(`${step.advance} ms pass`);
        await stage.step(() => stage.pace.advance(step.advance));
      }
    }
    await reader.finish();
    await subscriber.close();
    if (!(await stage.pace.within(reading, stage.subject.timings.closeMs))) {
      stage.violate(["batches-bounded"], "the iteration of batches went on after close()", "it ends");
    }
    await conclude(stage);
  },
}));

/** Loops that are broken off, closed or killed while a batch forms, and go on with another one or by another member. */
const breaking: Law["property"] = history(({ capabilities, fixture }) => ({
  connections: 2,
  groups: [{ topic: "A", options: { group: "g", maxInFlight: 4 } }],
  steps: [
    [6, publish()],
    [6, batchLoop],
    [2, pull],
    [2, breakLoop],
    [2, advance(10, 60, 200)],
    [2, ack],
    [capabilities.requeue ? 2 : 0, requeue],
    [capabilities.requeue ? 1 : 0, delay],
    [1, drop],
    [2, close],
    [fixture.kill === undefined ? 0 : 2, kill],
    [1, connect],
    [capabilities.pause ? 1 : 0, pause],
    [capabilities.pause ? 1 : 0, resume],
  ],
  maxSteps: 50,
}));

export const batchesBounded: Law = {
  name: "batches-bounded",
  promise:
    "A batch has 1 to max deliveries, in order. It closes when it is full, or maxWaitMs after its first delivery. Each delivery is settled by itself.",
  claim: source({}, ({ batches }) => batches, "batches false"),
  property: either(timing, breaking),
};
