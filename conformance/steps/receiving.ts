import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Stage } from "../stage/stage.ts";
import type { GroupSpec, SubscriberActor } from "../stage/subscriber-actor.ts";
import { openConnections } from "./publishing.ts";
import { gap, pick, picked, Step, stepOn } from "./step.ts";

/** Calls of `next()` that may wait at once on one subscriber. */
const mostWaiting = 2;

function subscribed(stage: Stage): SubscriberActor[] {
  return stage.subscribers.filter(({ seat }) => seat.state === "open");
}

export const pull: Arbitrary<Step> = stepOn(
  "pull",
  (stage) => subscribed(stage).filter(({ waiting }) => waiting < mostWaiting),
  (subscriber) => subscriber.pull(),
);

/** `takeReady`, where the iterators have it. */
export const take: Arbitrary<Step> = fc.tuple(pick, fc.integer({ min: 1, max: 4 })).map(
  ([index, max]) =>
    new Step({
      name: "take",
      ready: (stage) => subscribed(stage).length > 0,
      act: (stage) => picked(subscribed(stage), index).take(max),
    }),
);

export const breakLoop: Arbitrary<Step> = stepOn(
  "break",
  (stage) => subscribed(stage).filter(({ looping }) => looping),
  (subscriber) => subscriber.breakLoop(),
);

export const secondLoop: Arbitrary<Step> = stepOn(
  "second loop",
  (stage) => subscribed(stage).filter(({ looping }) => looping),
  (subscriber) => subscriber.secondLoop(),
);

export const close: Arbitrary<Step> = stepOn("close", subscribed, (subscriber) => subscriber.close());

/** A `next()`, or another `close()`, on a subscriber that is gone. */
export const pullClosed: Arbitrary<Step> = stepOn(
  "pull closed",
  (stage) =>
    stage.subscribers.filter(({ seat, waiting }) => seat.state === "closed" && waiting < mostWaiting),
  (subscriber) => subscriber.pull(),
);

export const closeAgain: Arbitrary<Step> = stepOn(
  "close again",
  (stage) => stage.subscribers.filter(({ seat }) => seat.state === "closed"),
  (subscriber) => subscriber.close(),
);

export const pause: Arbitrary<Step> = stepOn(
  "pause",
  (stage) => subscribed(stage).filter(({ seat }) => seat.flow === "on"),
  (subscriber) => subscriber.pause(),
);

export const resume: Arbitrary<Step> = stepOn(
  "resume",
  (stage) => subscribed(stage).filter(({ seat }) => seat.flow !== "on"),
  (subscriber) => subscriber.resume(),
);

/** Opens another subscriber of one of the groups, up to `most` of one group at a time. */
export function open(groups: readonly GroupSpec[], most = 2): Arbitrary<Step> {
  return fc.tuple(fc.nat({ max: groups.length - 1 }), pick, gap).map(([index, connection, gapped]) => {
    const spec = picked(groups, index);
    return new Step({
      name: "open",
      ready: (stage) =>
        openConnections(stage).length > 0 &&
        subscribed(stage).filter((subscriber) => subscriber.spec === spec).length < most,
      act: (stage) => picked(openConnections(stage), connection).open(spec),
      gap: gapped,
    });
  });
}
