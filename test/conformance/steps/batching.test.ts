import { expect, it } from "vitest";
import { fc } from "../../../conformance/fast-check.ts";
import type { Stage } from "../../../conformance/stage/stage.ts";
import { batchLoop } from "../../../conformance/steps/batching.ts";
import { Told } from "../model/told.ts";

/** A stage with one open subscriber that reads in batches. */
function stageWith(batching: Promise<void> | undefined): Stage {
  const seat = new Told().open({ capabilities: { batches: true } });
  const handle = { batches: () => [] };
  return { subscribers: [{ seat, handle, looping: false, batching }] } as unknown as Stage;
}

it("a loop over batches waits until another one over its subscriber is over", () => {
  const [step] = fc.sample(batchLoop, { numRuns: 1, seed: 1 });
  expect(step?.check(stageWith(undefined))).toBe(true);
  expect(step?.check(stageWith(Promise.resolve()))).toBe(false);
});
