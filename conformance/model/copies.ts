import type { LawName } from "../law.ts";
import type { Posting } from "./posting.ts";
import type { Book, Copy, CopyState, Delivery, Group } from "./records.ts";

/** May come, and need not. */
export const unsure: CopyState = { kind: "unsure" };

export function over(law: LawName, why: string, since = 0): CopyState {
  return { kind: "over", law, why, since };
}

/** The copy of a message in a group; made in `state` when the group has none yet. */
export function copyIn(group: Group, posting: Posting, state: CopyState): Copy {
  const known = group.copies.get(posting.id);
  if (known !== undefined) return known;
  const copy: Copy = {
    posting,
    group,
    state,
    deliveries: 0,
    strays: 0,
    settledLate: false,
    availableMs: posting.startedMs,
    lastCount: undefined,
    position: undefined,
    lastSeat: undefined,
    unsettled: false,
    hazards: new Set(),
    taints: new Set(),
  };
  group.copies.set(posting.id, copy);
  return copy;
}

/**
 * What a group that is new is given of a message published, or being published, before it. `others` may have it too.
 * `ahead`: what nobody confirmed was with the broker before the subscription all the same.
 */
export function admit(group: Group, posting: Posting, others: readonly Group[], ahead: boolean): void {
  const { backlog } = group.capabilities;
  const had = backlog === "unread" ? hadBy(others, posting) : "nobody";
  if (posting.state === "refused") {
    copyIn(group, posting, over("publish-refuses", "its publish was refused"));
  } else if (posting.state !== "sent" || isOnItsWay(posting, ahead) || had === "perhaps somebody") {
    // An unconfirmed message may still be on its way, and reach the broker after the subscription.
    copyIn(group, posting, unsure);
  } else if (had === "somebody") {
    copyIn(group, posting, over("backlog", "another subscription has had it"));
  } else if (backlog !== false) {
    copyIn(group, posting, { kind: "owed", notBefore: 0, due: 0, since: 0 }).hazards.add("backlog");
  } else {
    copyIn(
      group,
      posting,
      over("backlog", "it was published before the group subscribed, which has no backlog"),
    );
  }
}

function isOnItsWay({ confirmation }: Posting, ahead: boolean): boolean {
  return confirmation === "none" && !ahead;
}

/** A group that another connection opens too, before it is open, may be given what is still on its way to the broker. */
export function admitLate(group: Group): void {
  for (const copy of group.copies.values()) {
    const refused = copy.state.kind === "over" && copy.state.law === "backlog";
    if (refused && copy.posting.confirmation === "none") copy.state = unsure;
  }
}

/** A group whose opening failed may be known to the broker since then, and be owed what was published after that. */
export function admitDoubtful({ durable, begunAt, copies }: Group): void {
  if (!durable) return;
  for (const copy of copies.values()) {
    const refused = copy.state.kind === "over" && copy.state.law === "backlog";
    if (refused && copy.posting.startedAt > begunAt) copy.state = unsure;
  }
}

/**
 * Whether one of these groups has had the message: settled it, or still has to. What a subscription left unsettled when it
 * closed nobody has had.
 */
function hadBy(groups: readonly Group[], posting: Posting): "somebody" | "perhaps somebody" | "nobody" {
  let had: "perhaps somebody" | "nobody" = "nobody";
  for (const { copies, seats, liveSince, durable, capabilities } of groups) {
    const copy = copies.get(posting.id);
    if (copy === undefined || (copy.state.kind === "over" && copy.state.law === "backlog")) continue;
    if (copy.unsettled) continue;
    const opened = seats.size > 0 || liveSince !== undefined;
    const leaving = !durable && [...seats].every(({ state }) => state === "closing");
    // A closed subscription may have settled it at the end. Or it got the message, on a broker where nobody settles.
    const gone = copy.state.kind === "over" && copy.state.law === "quiet-after-close";
    const settled = copy.state.kind === "over" && !gone;
    const seen = capabilities.settlement === "none" && copy.deliveries > 0;
    if (seen || settled || (opened && !leaving && copy.state.kind !== "unsure")) return "somebody";
    had = "perhaps somebody";
  }
  return had;
}

/** Whether a message that was confirmed has to reach the group: not if the two overlapped. */
export function isPromised(group: Group, posting: Posting): boolean {
  if (group.capabilities.backlog === true) return true;
  if (posting.startedMs < group.noticesMs) return false;
  return group.liveSince !== undefined && group.liveSince < posting.startedAt;
}

/** So long, on real time, a server may take to notice that a connection has died without a goodbye. */
const noticeMs = 1_000;

/** A member of a group that is not durable has crashed. */
export function diedUnnoticed(group: Group, book: Book): void {
  if (!book.virtual) group.noticesMs = book.now() + noticeMs;
}

/** Whether it is this delivery that stands between its copy and the next delivery. */
export function isCurrent(delivery: Delivery): boolean {
  return delivery.copy.state.kind === "held" && delivery.copy.state.delivery === delivery;
}

/** What becomes of a copy that was handed out just before its holder was gone, and is seen now: it comes no second time. */
export function seenAfterEnd({ state }: Copy): CopyState {
  return state.kind === "over" ? over(state.law, state.why) : unsure;
}
