import type { Arbitrary } from "fast-check";
import { isSeekable } from "../abilities.ts";
import { fc } from "../fast-check.ts";
import type { Destination } from "../model/seeking.ts";
import { seek, seekClosed, seekNowhere } from "../stage/seek.ts";
import type { Stage } from "../stage/stage.ts";
import type { SubscriberActor } from "../stage/subscriber-actor.ts";
import { gap, pick, picked, Step, stepOn } from "./step.ts";

/**
 * Those whose group can be moved in its log, by what they claim. The ledger knows what a move means for a group that has a
 * name, reads a retained topic without a bound, and neither makes nor reads dead letters.
 */
function movable(stage: Stage, state: "open" | "closed"): SubscriberActor[] {
  if (stage.subject.fixture.gaps?.["seek-lands"] !== undefined) return [];
  const letters = new Set([...stage.ledger.groups].map(({ deadLetter }) => deadLetter?.topic));
  return stage.subscribers.filter(({ seat, spec, handle }) => {
    const { group } = seat;
    const needs = spec.pattern === true ? undefined : stage.topics[spec.topic];
    const retained =
      needs?.retained === true && needs.capacity === undefined && spec.options.retained === true;
    const plain =
      group.deadLetter === undefined && needs !== undefined && !letters.has(stage.topic(spec.topic));
    const able = seat.capabilities.seek && isSeekable(handle) && group.durable;
    // If two members seek at once, only the broker knows which was last.
    const free = stage.pace.virtual || !stage.ledger.seeks.isMoving(group);
    return seat.state === state && able && retained && plain && free;
  });
}

function ready(stage: Stage): SubscriberActor[] {
  return movable(stage, "open");
}

/** To a message that the group was given before. */
export const seekBack: Arbitrary<Step> = fc.tuple(pick, pick, gap).map(
  ([index, place, gapped]) =>
    new Step({
      name: "seek",
      ready: (stage) => ready(stage).some((subscriber) => known(subscriber).length > 0),
      act: (stage) => {
        const able = ready(stage).filter((subscriber) => known(subscriber).length > 0);
        const subscriber = picked(able, index);
        return seek(stage, subscriber, picked(known(subscriber), place));
      },
      gap: gapped,
    }),
);

export const seekStart: Arbitrary<Step> = seekEnd("start");
export const seekToEnd: Arbitrary<Step> = seekEnd("end");

export const seekAway: Arbitrary<Step> = stepOn(
  "seek nowhere",
  (stage) => (stage.subject.fixture.positions?.unavailable === undefined ? [] : ready(stage)),
  (subscriber, stage) => seekNowhere(stage, subscriber),
);

/** By a subscriber that is gone. */
export const seekGone: Arbitrary<Step> = stepOn(
  "seek closed",
  (stage) => (stage.subject.fixture.positions?.start === undefined ? [] : movable(stage, "closed")),
  (subscriber, stage) => seekClosed(stage, subscriber),
);

function known({ seat }: SubscriberActor): Exclude<Destination, string>[] {
  return [...seat.group.copies.values()].filter(({ position }) => position !== undefined);
}

function seekEnd(end: "start" | "end"): Arbitrary<Step> {
  return stepOn(
    `seek ${end}`,
    (stage) => (stage.subject.fixture.positions?.[end] === undefined ? [] : ready(stage)),
    (subscriber, stage) => seek(stage, subscriber, end),
  );
}
