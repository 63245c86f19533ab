import { isTidelaneError } from "../../src/traits/index.ts";
import { isSeekable } from "../abilities.ts";
import type { Destination } from "../model/seeking.ts";
import { nameOfError } from "../model/settling.ts";
import type { Stage } from "./stage.ts";
import type { SubscriberActor } from "./subscriber-actor.ts";

const law = ["seek-lands"] as const;

/** Moves the group of a subscriber to where `to` stands. */
export async function seek(stage: Stage, subscriber: SubscriberActor, to: Destination): Promise<void> {
  const { positions } = stage.subject.fixture;
  const name = typeof to === "string" ? to : `#${to.posting.id}`;
  const position = to === "start" ? positions?.start : to === "end" ? positions?.end : to.position;
  const line = stage.trace.line(`seek ${subscriber.name} to ${name}`);
  const move = stage.ledger.seeks.begin(subscriber.seat, to);
  const answer = call(subscriber, position).then((error) => {
    if (error === undefined) {
      stage.ledger.seeks.end(move);
      return;
    }
    line.outcome(nameOfError(error));
    stage.ledger.seeks.giveUp(move);
    // The subscription may have ended, or its connection been lost, while the seek was on its way.
    const excused = subscriber.seat.state !== "open" || stage.ledger.overlapsDeparture(move);
    if (excused && isTidelaneError(error)) return;
    const observed = `seek of ${subscriber.name} to ${name} rejected with ${nameOfError(error)}`;
    stage.violate(law, observed, "it resolves");
  });
  const seeking = stage.track(`seek of ${subscriber.name} to ${name}`, law, answer);
  stage.moving.add(seeking);
  await seeking.finally(() => stage.moving.delete(seeking));
}

/** To a position that the log cannot hold: that moves nothing. */
export async function seekNowhere(stage: Stage, subscriber: SubscriberActor): Promise<void> {
  const line = stage.trace.line(`seek ${subscriber.name} to a position that is not there`);
  const startedAt = stage.ledger.event;
  const answer = call(subscriber, stage.subject.fixture.positions?.unavailable).then((error) => {
    line.outcome(error === undefined ? "resolved" : nameOfError(error));
    if (isTidelaneError(error, "TIDELANE_POSITION_UNAVAILABLE")) return;
    const ended = subscriber.seat.state !== "open" || stage.ledger.overlapsDeparture({ startedAt });
    if (ended && isTidelaneError(error)) return;
    const observed = `seek to a position that is not there ${error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`}`;
    stage.violate(law, observed, "it rejects with PositionUnavailableError");
  });
  await stage.track(`seek of ${subscriber.name}`, law, answer);
}

/** On a subscriber that is over: nothing is moved by it. */
export async function seekClosed(stage: Stage, subscriber: SubscriberActor): Promise<void> {
  const line = stage.trace.line(`seek ${subscriber.name}, which is over, to the start`);
  const answer = call(subscriber, stage.subject.fixture.positions?.start).then((error) => {
    line.outcome(error === undefined ? "resolved" : nameOfError(error));
    if (isTidelaneError(error)) return;
    const observed = `seek of ${subscriber.name}, which is over, ${error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`}`;
    stage.violate([...law, "quiet-after-close"], observed, "it rejects");
  });
  await stage.track(`seek of ${subscriber.name}`, law, answer);
}

/** Resolves with the error it rejected with. */
async function call({ handle }: SubscriberActor, position: unknown): Promise<unknown> {
  if (!isSeekable(handle)) throw new Error("a seek of what cannot be moved");
  return handle.seek(position).then(
    () => undefined,
    (error: unknown) => error ?? new Error("nothing"),
  );
}
