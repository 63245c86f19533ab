import { InvalidArgumentError, PositionUnavailableError } from "../../traits/errors.ts";
import type { Group } from "./group.ts";
import type { MemoryPosition } from "./options.ts";
import type { StoredMessage } from "./stored-message.ts";
import type { Topic } from "./topic.ts";

/** Makes the message at `position` the next one of `group`. Throws, and moves nothing, where that cannot be. */
export function seekIn(topic: Topic, group: Group, position: MemoryPosition): void {
  if (position !== "start" && position !== "end") checkPosition(topic, position);
  group.replace((owed) => from(topic, position, owed), "its subscriber was moved by seek()");
}

function checkPosition(topic: Topic, position: number): void {
  if (!Number.isSafeInteger(position) || position < 1) {
    const expected = 'a whole number of at least 1, "start" or "end"';
    throw new InvalidArgumentError({ argument: "seek(position)", expected, received: position });
  }
  const first = topic.log.first ?? topic.next;
  if (position >= first && position <= topic.next) return;
  throw new PositionUnavailableError({
    topic: topic.name,
    position: String(position),
    available: first === topic.next ? `${first}, the next to come` : `${first} to ${topic.next}`,
  });
}

function from(
  topic: Topic,
  position: MemoryPosition,
  owed: readonly StoredMessage[],
): readonly StoredMessage[] {
  if (position === "end") return [];
  if (position !== "start") return topic.log.from(position);
  // What the log no longer holds and the group still owes is older than all the log holds.
  const first = topic.log.first ?? Number.POSITIVE_INFINITY;
  return [...owed.filter((stored) => stored.sequence < first), ...topic.log.from(first)];
}
