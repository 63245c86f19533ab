import type { Arrival } from "./arrival.ts";
import { copyIn, isCurrent, over, unsure } from "./copies.ts";
import type { Holdings } from "./holdings.ts";
import { isEarlier } from "./order.ts";
import type { Posting } from "./posting.ts";
import { type Copy, type Delivery, type Group, nameOf, type Seat } from "./records.ts";

const law = ["seek-lands"] as const;

/** Where a group is moved to: a message that it was given before, or an end of the log. */
export type Destination = Copy | "start" | "end";

/** A move that is on its way. */
export interface Move {
  readonly seat: Seat;
  readonly to: Destination;
  readonly startedAt: number;
  /** What was in flight when it began. */
  readonly held: readonly Delivery[];
}

/** A message that was handed to somebody: the event of the pull it answers, and of the broker's last rest. */
type Heard = Pick<Arrival, "copy" | "message" | "pulledAt" | "restedAt">;

/** What a seek does to what a group is owed. From its call to its answer nothing of the group's log is known. */
export class Seeks {
  readonly #holdings: Holdings;
  readonly #postings: ReadonlyMap<number, Posting>;
  /** The move that was called last, of each group that is being moved. */
  readonly #moves: Map<Group, Move> = new Map();

  constructor(holdings: Holdings, postings: ReadonlyMap<number, Posting>) {
    this.#holdings = holdings;
    this.#postings = postings;
  }

  isMoving(group: Group): boolean {
    return this.#moves.has(group);
  }

  begin(seat: Seat, to: Destination): Move {
    const startedAt = this.#holdings.tick();
    const { group } = seat;
    const held = this.#holdings.deliveries.filter(
      (delivery) => delivery.copy.group === group && isCurrent(delivery),
    );
    for (const delivery of held) delivery.phase = "leaving";
    for (const posting of this.#postings.values()) {
      if (!this.#isInLog(group, posting)) continue;
      const copy = copyIn(group, posting, unsure);
      copy.state = unsure;
      forget(copy);
      copy.strays = 0;
    }
    for (const each of group.seats) each.firsts.length = 0;
    group.sought = true;
    group.soughtAt = startedAt;
    const move = { seat, to, startedAt, held };
    this.#moves.set(group, move);
    return move;
  }

  /** It resolved: the group is owed what stands at its new place and after it, and nothing else. */
  end(move: Move): void {
    const now = this.#holdings.tick();
    const { group } = move.seat;
    // If two seeks overlapped, the one called last decides.
    if (this.#moves.get(group) !== move) return;
    this.#moves.delete(group);
    group.soughtAt = now;
    group.disturbed = false;
    this.#revokeHeld(move);
    for (const posting of this.#postings.values()) {
      if (this.#isInLog(group, posting)) this.#place(move, copyIn(group, posting, unsure));
    }
    for (const { firsts } of group.seats) {
      const kept = firsts.filter(({ state }) => state.kind === "held");
      firsts.splice(0, firsts.length, ...kept);
    }
  }

  /** It was rejected while its subscriber ended: whether the group was moved nobody knows. */
  giveUp(move: Move): void {
    const { group } = move.seat;
    if (this.#moves.get(group) === move) this.#moves.delete(group);
    group.soughtAt = this.#holdings.tick();
    group.disturbed = true;
  }

  /** Whether the message was handed out before a seek that took it away, and is told of only now. */
  overtakes({ copy, message, pulledAt, restedAt }: Heard): boolean {
    const { group } = copy;
    if (!group.sought || message.revoked === undefined) return false;
    return this.isMoving(group) || (pulledAt < group.soughtAt && restedAt < group.soughtAt);
  }

  /** Messages of an open transaction arrive after the move, if they ever do. */
  #isInLog(group: Group, posting: Posting): boolean {
    if (!group.target.covers(posting.topic) || posting.state === "refused") return false;
    const state = group.copies.get(posting.id)?.state;
    return state?.kind !== "over" || state.law !== "transaction-visibility";
  }

  #revokeHeld({ seat, held }: Move): void {
    for (const delivery of held) {
      const settled = delivery.settle !== undefined && delivery.settle.answer !== "failed";
      // In real time, another member learns of the seek from the server, and so later.
      const certain = this.#holdings.book.virtual || delivery.seat === seat;
      if (settled || !certain) continue;
      delivery.phase = "revoked";
      if (delivery.message.signal.aborted) continue;
      const observed = `the signal of ${nameOf(delivery)}, in flight at a seek of ${seat.name}, has not aborted`;
      this.#holdings.violate(
        ["seek-lands", "settle-after-revocation"],
        observed,
        "a delivery that is revoked says so",
      );
    }
  }

  #place(move: Move, copy: Copy): void {
    const { posting, state } = copy;
    const side = sideOf(move, copy, this.#holdings);
    if (state.kind === "held" && state.delivery.message.revoked === undefined) {
      // It came while the seek was on its way, and from the new place.
      if (side === "before") this.#violateBefore(copy);
      return;
    }
    if (state.kind === "held") state.delivery.phase = "revoked";
    forget(copy);
    copy.taints.add("seek-lands");
    // It was settled while the seek was on its way, so nobody knows which of the two took effect first.
    const settled = state.kind === "over" || (state.kind === "owed" && state.notBefore > 0);
    if (posting.state !== "sent" || side === "unknown" || settled) {
      copy.state = unsure;
      if (posting.state === "sending") copy.group.loose.add(copy);
    } else if (side === "before") {
      copy.state = over("seek-lands", "its group was moved past it");
    } else {
      copy.hazards.clear();
      copy.hazards.add("seek-lands");
      this.#holdings.available(copy);
      this.#holdings.owe(copy, 0);
    }
  }

  #violateBefore({ posting, group }: Copy): void {
    const observed = `#${posting.id} was delivered to ${group.label} after a seek past it`;
    this.#holdings.violate(law, observed, "the next delivery is the one at the position");
  }
}

/** From a seek on it is as if it had never been delivered. */
function forget(copy: Copy): void {
  copy.deliveries = 0;
  copy.settledLate = false;
  copy.lastCount = undefined;
  copy.lastSeat = undefined;
}

function sideOf({ to, startedAt }: Move, copy: Copy, { book }: Holdings): "before" | "after" | "unknown" {
  const { posting } = copy;
  if (to === "start") return "after";
  if (to === "end") {
    if (posting.confirmedAt !== undefined && posting.confirmedAt <= startedAt) return "before";
    return "unknown";
  }
  if (copy === to || isEarlier(book, to, copy)) return "after";
  return isEarlier(book, copy, to) ? "before" : "unknown";
}
