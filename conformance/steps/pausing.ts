import type { Arbitrary } from "fast-check";
import { settle } from "../stage/settle.ts";
import type { Stage } from "../stage/stage.ts";
import type { SubscriberActor } from "../stage/subscriber-actor.ts";
import { openConnections } from "./publishing.ts";
import { type Step, stepOn } from "./step.ts";

/** Beyond what may be on its way to a paused subscriber, so that a pause that holds nothing back shows. */
const surplus = 2;

/**
 * Publishes more than can have been asked for before the pause, pulls by the paused subscriber, and acks whatever comes
 * so that its bound leaves room. What comes after that is the work of a subscriber that goes on fetching.
 */
export const flood: Arbitrary<Step> = stepOn("flood", pausedOnes, async (subscriber, stage) => {
  const { maxInFlight } = subscriber.seat.capabilities;
  const noPrefetch = stage.subject.promises.noPrefetch === true;
  const [connection] = openConnections(stage);
  if (connection === undefined || (!noPrefetch && maxInFlight > 4)) return;
  const count = (noPrefetch ? 0 : maxInFlight) + surplus;
  for (let left = count; left > 0; left -= 1) await connection.publish({ topic: subscriber.spec.topic });
  await settleHeld(stage, subscriber);
  for (let left = count; left > 0 && isPaused(subscriber); left -= 1) {
    if (subscriber.waiting === 0) await stage.rest(subscriber.pull());
    if (subscriber.waiting > 0) return;
    await settleHeld(stage, subscriber);
  }
});

function pausedOnes(stage: Stage): SubscriberActor[] {
  return openConnections(stage).length === 0
    ? []
    : stage.subscribers.filter((subscriber) => isPaused(subscriber) && subscriber.waiting === 0);
}

/** While a loop of batches is active, no other loop over the subscriber can begin. */
function isPaused({ seat, batching }: SubscriberActor): boolean {
  return seat.state === "open" && seat.flow === "paused" && batching === undefined;
}

async function settleHeld(stage: Stage, { seat }: SubscriberActor): Promise<void> {
  for (const delivery of stage.held()) if (delivery.seat === seat) await settle(stage, delivery, "ack");
}
