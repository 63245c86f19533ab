import { expect, it } from "vitest";
import { fc } from "../../../conformance/fast-check.ts";
import type { Copy } from "../../../conformance/model/records.ts";
import type { Stage } from "../../../conformance/stage/stage.ts";
import { pullOwed } from "../../../conformance/steps/repeating.ts";
import { Told } from "../model/told.ts";

/** A stage with one open subscriber that is owed a message. */
function stageWith(batching: Promise<void> | undefined): Stage {
  const told = new Told();
  const seat = told.open();
  told.publish();
  const subscribers = [{ seat, waiting: 0, batching }];
  const ledger = { starving: (): Copy | undefined => told.ledger.starving(seat) };
  return { subscribers, ledger } as unknown as Stage;
}

it("a repeated pull waits until a loop of batches over its subscriber is over", () => {
  const [step] = fc.sample(pullOwed, { numRuns: 1, seed: 1 });
  expect(step?.check(stageWith(undefined))).toBe(true);
  expect(step?.check(stageWith(Promise.resolve()))).toBe(false);
});
