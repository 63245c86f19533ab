import { InvalidArgumentError, PositionUnavailableError } from "../../../traits/errors.ts";
import type { StoredMessage } from "../message/stored-message.ts";
import type { MemoryPosition } from "../options/options.ts";
import type { Group } from "./group.ts";
import type { Topic } from "./topic.ts";

/**
 * Makes the message at `position` the next one of `group`. What no subscription has had from there on is the group's then.
 * Throws, and moves nothing, where that cannot be.
 */
export function seekIn(topic: Topic, group: Group, position: MemoryPosition): void {
  if (position !== "start" && position !== "end") checkPosition(topic, position);
  group.replace((owed) => from(topic, position, owed), "its subscriber was moved by seek()");
  if (position !== "end") topic.claimed(position === "start" ? 1 : position);
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
  // The log no longer holds all that the group still owes, or that nobody has had.
  const all = new Set([...owed, ...topic.backlog(true)]);
  return [...all].sort((a, b) => a.sequence - b.sequence);
}
