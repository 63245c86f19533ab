import type { LawName } from "../law.ts";
import { isEarlier } from "./order.ts";
import { comesBefore, type Posting } from "./posting.ts";
import type { Book, Copy, Delivery, Seat } from "./records.ts";

/**
 * A chance: a moment at which a broker that breaks a law would have been caught. A law without one in a whole run was
 * not judged, whatever came.
 */

/** These say what must not happen. That something comes in the end proves none of them. */
const notByLoss: ReadonlySet<LawName> = new Set(["pause-holds", "publish-waits", "transaction-visibility"]);

/** What was owed has come: a broker that lost it would have been caught. */
export function chancesOfLoss(laws: ReadonlySet<LawName>): LawName[] {
  return [...laws].filter((law) => !notByLoss.has(law));
}

/** Somebody pulls from the group: which laws an answer would break by what must not come, or not yet. */
export function chancesOfExcess(book: Book, seat: Seat): Set<LawName> {
  const laws = new Set<LawName>();
  for (const { state, taints } of seat.group.copies.values()) {
    if (state.kind === "over") {
      laws.add(state.law);
      for (const law of taints) laws.add(law);
    } else if (state.kind === "owed") {
      if (state.notBefore - book.now() > (book.virtual ? 0 : book.skewMs)) laws.add("nack-after-never-early");
    } else if (state.kind === "held") {
      for (const law of chancesOfSharing(state.delivery)) laws.add(law);
    }
  }
  return laws;
}

function chancesOfSharing({ phase, settle, seat, copy, deadline }: Delivery): LawName[] {
  if (phase !== "held" || seat.group.moving) return [];
  if (settle?.how === "requeue" || settle?.how === "delay") return [];
  const laws: LawName[] = ["group-shares", ...copy.taints];
  if (deadline < Number.POSITIVE_INFINITY) laws.push("ack-deadline");
  if (settle !== undefined) laws.push(settle.how === "ack" ? "ack-is-final" : "drop-is-final");
  return laws;
}

/** Whether something came to this seat before that had to: had they come the other way round, it would have been caught. */
export function isOrdered(arriving: Copy, { firsts, capabilities }: Seat, undisturbed: boolean): boolean {
  return firsts.some((other) =>
    comesBefore(other.posting, arriving.posting, capabilities.order, undisturbed),
  );
}

/** Whether a later message waited when this one, which had been requeued, came again. */
export function isInPlace(book: Book, arriving: Copy): boolean {
  const { group, deliveries, state } = arriving;
  if (deliveries === 0 || state.kind !== "owed") return false;
  return [...group.copies.values()].some(
    (other) => other.deliveries === 0 && other.state.kind === "owed" && isEarlier(book, arriving, other),
  );
}

/** Whether something was published that this seat must not be given because of its topic. */
export function hasStrangers({ group }: Seat, postings: Iterable<Posting>): boolean {
  for (const { topic } of postings) if (!group.target.covers(topic)) return true;
  return false;
}

/** What was published after the seat had been paused, and would come now if it were not. */
export function heldByPause({ group, pausedSince }: Seat, now: number): number {
  let count = 0;
  for (const { state, posting } of group.copies.values()) {
    if (state.kind === "owed" && state.notBefore <= now && posting.startedAt > (pausedSince ?? 0)) count += 1;
  }
  return count;
}
