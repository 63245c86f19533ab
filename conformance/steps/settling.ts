import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { SettleHow } from "../model/records.ts";
import { keepAlive, settle } from "../stage/settle.ts";
import type { Stage } from "../stage/stage.ts";
import { gap, pick, picked, Step, stepOn } from "./step.ts";

/** Delays of `nackAfter`, in milliseconds; the long ones where waiting costs nothing. */
const delays: Arbitrary<number> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(100, 0, 1, 50, 250, 0.5) },
  { weight: 1, arbitrary: fc.constantFrom(61_000, 3_600_000, 90_000_000) },
);

const longestOnRealTimeMs = 250;

export const ack: Arbitrary<Step> = settleOne("ack", held);
export const requeue: Arbitrary<Step> = settleOne("requeue", held);
export const drop: Arbitrary<Step> = settleOne("drop", held);
export const delay: Arbitrary<Step> = settleOne("delay", held);

const anyHow: Arbitrary<SettleHow> = fc.constantFrom<SettleHow[]>("ack", "requeue", "drop", "delay");

/** Settles once more what was settled. */
export const settleAgain: Arbitrary<Step> = settleOne(anyHow, (stage) =>
  stage.ledger.deliveries.filter((delivery) => delivery.settle?.answer === "ok"),
);

/** Settles what was revoked before it was settled. */
export const settleRevoked: Arbitrary<Step> = settleOne(anyHow, (stage) =>
  stage.ledger.deliveries.filter(({ phase, settle: made }) => phase === "revoked" && made === undefined),
);

export const prolong: Arbitrary<Step> = stepOn("keepAlive", held, (delivery, stage) =>
  keepAlive(stage, delivery),
);

function held(stage: Stage): Stage["ledger"]["deliveries"] {
  return stage.held();
}

function settleOne(
  how: SettleHow | Arbitrary<SettleHow>,
  from: (stage: Stage) => Stage["ledger"]["deliveries"],
): Arbitrary<Step> {
  const hows = typeof how === "string" ? fc.constant(how) : how;
  return fc.tuple(hows, pick, delays, gap).map(
    ([chosen, index, delayMs, gapped]) =>
      new Step({
        name: chosen,
        ready: (stage) => from(stage).length > 0,
        act: (stage) => {
          const waitMs = stage.pace.virtual ? delayMs : Math.min(delayMs, longestOnRealTimeMs);
          return settle(stage, picked(from(stage), index), chosen, waitMs);
        },
        gap: gapped,
      }),
  );
}
