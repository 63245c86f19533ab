import type { Arbitrary } from "fast-check";
import { isBatching } from "../abilities.ts";
import { fc } from "../fast-check.ts";
import { leaveBatch, refusesLoop } from "../stage/second-loops.ts";
import type { Stage } from "../stage/stage.ts";
import type { SubscriberActor } from "../stage/subscriber-actor.ts";
import { stepWith } from "./choices.ts";
import { type Step, stepOn } from "./step.ts";

/** Calls of `next()` that may wait at once on one subscriber. */
const mostWaiting = 2;

function subscribed(stage: Stage): SubscriberActor[] {
  return stage.subscribers.filter(({ seat }) => seat.state === "open");
}

/** While a loop of batches is active, no other loop over the subscriber can begin. */
export function pullable(stage: Stage): SubscriberActor[] {
  return subscribed(stage).filter(({ batching }) => batching === undefined);
}

export const pull: Arbitrary<Step> = stepOn(
  "pull",
  (stage) => pullable(stage).filter(({ waiting }) => waiting < mostWaiting),
  (subscriber) => subscriber.pull(),
);

/** `takeReady`, where the iterators have it: for some, for none, and for more than there can be. */
export const take: Arbitrary<Step> = takeUpTo(
  pullable,
  fc.constantFrom(1, 2, 3, 4, 0, 50, Number.POSITIVE_INFINITY),
);

/** The same on a subscriber that is gone. */
export const takeClosed: Arbitrary<Step> = takeUpTo(gone, fc.constantFrom(1, 3, 0));

/** `takeReady` with what it refuses. */
export const takeInvalid: Arbitrary<Step> = stepWith(
  "take invalid",
  fc.constantFrom(-1, 1.5, Number.NaN),
  pullable,
  (subscriber, _, max) => subscriber.takeInvalid(max),
);

function takeUpTo(from: (stage: Stage) => SubscriberActor[], most: Arbitrary<number>): Arbitrary<Step> {
  return stepWith("take", most, from, (subscriber, _, max) => subscriber.take(max));
}

export const breakLoop: Arbitrary<Step> = stepOn(
  "break",
  (stage) => subscribed(stage).filter(({ looping }) => looping),
  (subscriber) => subscriber.breakLoop(),
);

/** A loop of either kind beside one that is active. */
export const secondLoop: Arbitrary<Step> = stepWith(
  "second loop",
  fc.constantFrom("plain" as const, "batches" as const),
  (stage, kind) =>
    subscribed(stage).filter(({ looping, handle }) => looping && (kind === "plain" || isBatching(handle))),
  (subscriber, stage, kind) => refusesLoop(stage, subscriber, kind),
);

/** A loop of batches, left while its batch forms. */
export const leaveBatches: Arbitrary<Step> = stepOn(
  "batch loop",
  (stage) => pullable(stage).filter(({ looping, handle }) => !looping && isBatching(handle)),
  (subscriber, stage) => leaveBatch(stage, subscriber),
);

/** A `next()`, a `takeReady` and a `return()` of an iterator that was returned. */
export const pullReturned: Arbitrary<Step> = stepOn(
  "pull returned",
  (stage) => subscribed(stage).filter(({ broken }) => broken),
  (subscriber) => subscriber.pullReturned(),
);

const ways = fc.constantFrom("close" as const, "close" as const, "dispose" as const);

export const close: Arbitrary<Step> = closing("close", subscribed);

function closing(name: string, from: (stage: Stage) => SubscriberActor[]): Arbitrary<Step> {
  return stepWith(name, ways, from, (subscriber, _, way) => subscriber.close(way));
}

function gone(stage: Stage): SubscriberActor[] {
  return stage.subscribers.filter(({ seat }) => seat.state === "closed");
}

/** A `next()`, or another `close()`, on a subscriber that is gone. */
export const pullClosed: Arbitrary<Step> = stepOn(
  "pull closed",
  (stage) => gone(stage).filter(({ waiting }) => waiting < mostWaiting),
  (subscriber) => subscriber.pull(),
);

export const closeAgain: Arbitrary<Step> = closing("close again", gone);

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
