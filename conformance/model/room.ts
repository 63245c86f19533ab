import type { Holdings } from "./holdings.ts";
import type { Posting } from "./posting.ts";
import type { CopyState } from "./records.ts";

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
  const waiting = postings.find(({ state }) => state === "sending");
  if (sure.length > capacity) {
    const observed = `${sure.length} messages wait in a topic that holds ${capacity}`;
    holdings.violate(law, observed, "a publish waits for room");
  }
  // n.b. on real time it may only be slow.
  if (holdings.book.virtual && waiting !== undefined && possible.length < capacity) {
    const observed = `the publish of #${waiting.id} waits although there is room`;
    holdings.violate(law, observed, "it resolves when there is room");
  }
}
