import type { Holdings } from "./holdings.ts";
import type { Posting } from "./posting.ts";
import type { Copy, CopyState } from "./records.ts";

const law = ["publish-waits"] as const;

/**
 * A topic holds no more than its capacity of what some group has still to settle, and while there is room no publish
 * waits. Asked when the broker is at rest, of all that was published to the topic.
 */
export function checkRoom(holdings: Holdings, postings: readonly Posting[], capacity: number): void {
  const kindsOf = (posting: Posting): CopyState["kind"][] =>
    holdings.groupsOf(posting).flatMap((group) => group.copies.get(posting.id)?.state.kind ?? []);
  const there = postings.filter(({ state }) => state !== "sending");
  const sure = there.filter((posting) => kindsOf(posting).some((kind) => kind === "owed" || kind === "held"));
  const possible = there.filter((posting) => kindsOf(posting).some((kind) => kind !== "over"));
  const letters = setAsideIn(holdings, postings[0]?.topic);
  // A transaction waits for room in all of its topics.
  const waiting = postings.find(({ state, transaction }) => state === "sending" && transaction === undefined);
  if (sure.length >= capacity && waiting !== undefined) holdings.book.judged(law);
  if (sure.length > capacity + overfill(sure)) {
    const observed = `${sure.length} messages wait in a topic that holds ${capacity}`;
    holdings.violate(law, observed, "a publish waits for room");
  }
  // In real time, it may only be slow.
  if (holdings.book.virtual && waiting !== undefined && possible.length + letters < capacity) {
    const observed = `the publish of #${waiting.id} waits although there is room`;
    holdings.violate(law, observed, "it resolves when there is room");
  }
}

/**
 * Messages that may lie in the topic beside those that were published to it: dead letters. They take room, and do not
 * wait for it.
 */
function setAsideIn(holdings: Holdings, topic: string | undefined): number {
  const isLetter = ({ posting, state }: Copy): boolean =>
    posting.setAside !== undefined && posting.topic === topic && state.kind !== "over";
  const letters = [...holdings.groups.values()].flatMap(({ copies }) =>
    [...copies.values()].filter(isLetter),
  );
  return new Set(letters.map(({ posting }) => posting.id)).size;
}

/** A transaction is asked for room for one message, and takes what it needs beyond that. */
function overfill(postings: readonly Posting[]): number {
  const sizes = new Map<string, number>();
  for (const { transaction } of postings) {
    if (transaction !== undefined) sizes.set(transaction, (sizes.get(transaction) ?? 0) + 1);
  }
  return Math.max(1, ...sizes.values()) - 1;
}
