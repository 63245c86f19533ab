import type { Message } from "../../src/traits/index.ts";
import { type LawName, LawViolation } from "../law.ts";
import { chancesOfLoss } from "./chances.ts";
import { copyIn, isCurrent, over, seenAfterEnd, unsure } from "./copies.ts";
import { positionOf } from "./order.ts";
import type { Posting } from "./posting.ts";
import { type Book, type Copy, type Delivery, type Group, nameOf, type Seat } from "./records.ts";

/** How a subscriber goes away. */
export type Departure = "close" | "crash";

/** What takes a delivery from its holder without a settle. */
export type Revocation = Departure | "rebalance";

/** What every group has, and the ways one message can move in it. The ledger says when. */
export class Holdings {
  readonly book: Book;
  readonly groups: Map<string, Group> = new Map();
  readonly deliveries: Delivery[] = [];
  /** Goes up with each thing that happens; orders what has no time between. */
  #event = 0;

  constructor(book: Book) {
    this.book = book;
  }

  get event(): number {
    return this.#event;
  }

  /** Deadlines that have passed, and moves that show, take effect. Gives the number of what happens now. */
  tick(): number {
    this.#event += 1;
    const now = this.book.now();
    for (const delivery of this.deliveries) {
      if (delivery.earliestDeadline <= now) this.#expire(delivery, now);
      if (delivery.seat.group.moving && delivery.message.revoked !== undefined) this.#moved(delivery);
    }
    if (this.book.promises.noPrefetch !== true) {
      for (const group of this.groups.values()) this.#expireUnseen(group, now);
    }
    return this.#event;
  }

  /** The broker has had all the time it needs. In real time, a rebalance may still be under way. */
  rested(): number {
    const now = this.tick();
    for (const group of this.book.virtual ? this.groups.values() : []) {
      group.rebalancing = false;
      group.goers.clear();
    }
    return now;
  }

  /** Who fetched it ahead may have let its deadline pass, as often as it takes to set it aside. */
  #expireUnseen({ capabilities, deadLetter, copies }: Group, now: number): void {
    if (deadLetter === undefined || capabilities.ackDeadlineMs === undefined) return;
    const latest = now - capabilities.ackDeadlineMs + (this.book.virtual ? 0 : this.book.skewMs);
    for (const copy of copies.values()) {
      const waits = copy.state.kind === "owed" || copy.state.kind === "unsure";
      if (waits && copy.availableMs <= latest) this.abandoned(copy);
    }
  }

  /** Members join or leave: what the others hold may move. */
  rebalance(group: Group): void {
    const { rebalances } = this.book;
    if (rebalances !== true && !(rebalances === "patterns" && group.target.pattern)) return;
    group.moving = true;
    group.rebalancing = true;
    for (const copy of group.copies.values()) if (copy.state.kind === "held") this.available(copy);
    if (group.capabilities.delayedRequeue === "local") this.endDelays(group);
    for (const copy of group.copies.values()) this.#takenUnseen(copy);
  }

  /** It is there to be fetched. Whoever goes, or from whom it is revoked, may have fetched it, and nobody saw that. */
  #takenUnseen(copy: Copy, holder?: Seat): void {
    const { state, group } = copy;
    const waits = state.kind === "unsure" || (state.kind === "owed" && state.notBefore <= this.book.now());
    const taken = group.rebalancing || [...group.goers].some((seat) => seat !== holder);
    if (waits && taken && this.book.promises.noPrefetch !== true) this.abandoned(copy);
  }

  #moved(delivery: Delivery): void {
    if (delivery.phase !== "held" || delivery.settle !== undefined || !isCurrent(delivery)) return;
    // If the process counts, it starts at 1 at the member that gets the message, even if that is this one.
    delivery.copy.lastSeat = undefined;
    this.revoke(delivery, "rebalance");
  }

  #expire(delivery: Delivery, now: number): void {
    if (delivery.phase === "revoked" || !isCurrent(delivery)) return;
    delivery.copy.hazards.add("ack-deadline");
    delivery.seat.group.disturbed = true;
    delivery.phase = "leaving";
    this.releasing(delivery.copy, false);
    if (delivery.deadline <= now) {
      if (this.book.virtual) delivery.phase = "revoked";
      this.owe(delivery.copy, delivery.deadline);
    }
    delivery.copy.availableMs = delivery.earliestDeadline;
  }

  groupsOf(posting: Posting): Group[] {
    return [...this.groups.values()].filter((group) => group.target.covers(posting.topic));
  }

  /** Deliveries of a subscriber that stand between their message and its next delivery. */
  heldBy(seat: Seat): Delivery[] {
    return this.deliveries.filter((delivery) => delivery.seat === seat && isCurrent(delivery));
  }

  /** What counts against the limit of this seat. */
  underLimit(seat: Seat): Delivery[] {
    const seats = this.book.promises.limitPerGroup === true ? [...seat.group.seats] : [seat];
    return seats.flatMap((each) => this.heldBy(each));
  }

  hold(copy: Copy, seat: Seat, message: Message): Delivery {
    if (copy.state.kind === "owed") this.book.judged(chancesOfLoss(this.blameForLoss(copy)));
    if (copy.deliveries === 0) seat.firsts.push(copy);
    copy.position = positionOf(message);
    copy.deliveries += 1;
    copy.lastCount = message.deliveryCount;
    copy.lastSeat = seat;
    copy.hazards.clear();
    const delivery = this.#delivery(copy, seat, message);
    copy.state = seat.state === "closed" ? seenAfterEnd(copy) : { kind: "held", delivery };
    return delivery;
  }

  /** It was revoked before its answer was seen, and may be with somebody else by now. */
  pass(copy: Copy, seat: Seat, message: Message): Delivery {
    copy.deliveries += 1;
    copy.lastCount = Math.max(copy.lastCount ?? 0, message.deliveryCount ?? 0) || undefined;
    const delivery = this.#delivery(copy, seat, message);
    delivery.phase = "revoked";
    if (copy.state.kind === "owed") this.owe(copy, copy.state.notBefore, copy.state.due);
    else this.releasing(copy, false);
    return delivery;
  }

  #delivery(copy: Copy, seat: Seat, message: Message): Delivery {
    const now = this.book.now();
    const deadlineMs = seat.capabilities.ackDeadlineMs ?? Number.POSITIVE_INFINITY;
    const delivery: Delivery = {
      copy,
      seat,
      message,
      nth: copy.deliveries,
      phase: seat.state === "closing" || seat.state === "closed" ? "leaving" : "held",
      settle: undefined,
      deadline: now + deadlineMs,
      earliestDeadline: (this.book.promises.noPrefetch === true ? now : copy.availableMs) + deadlineMs,
    };
    this.deliveries.push(delivery);
    return delivery;
  }

  /** A delivery that was revoked before anybody heard of it. */
  stray(copy: Copy, seat: Seat, message: Message): Delivery {
    copy.strays += 1;
    const never = Number.POSITIVE_INFINITY;
    const revoked = {
      phase: "revoked",
      settle: undefined,
      deadline: never,
      earliestDeadline: never,
    } as const;
    const delivery: Delivery = { copy, seat, message, nth: copy.deliveries + 1, ...revoked };
    this.deliveries.push(delivery);
    return delivery;
  }

  /**
   * From now on the broker may deliver it to somebody. In real time, that counts from the start of the call that may give it
   * back. A busy machine may see the answer long after another member got the message and its ack deadline began.
   */
  available(copy: Copy): void {
    copy.availableMs = this.book.now();
  }

  /** It has to be delivered, unless it was delivered often enough. `holder` had it until now. */
  owe(copy: Copy, notBefore: number, due: number = notBefore, holder?: Seat): void {
    if (notBefore > 0) copy.availableMs = notBefore;
    else if (this.book.virtual) this.available(copy);
    if (this.#isExhausted(copy)) {
      copy.state = over("dead-letter", `it was delivered ${copy.deliveries} times, which is the most`);
      this.setAside(copy);
    } else if (copy.settledLate) {
      copy.state = unsure;
    } else {
      copy.state = { kind: "owed", notBefore, due, since: this.#event };
      this.#takenUnseen(copy, holder);
    }
  }

  /** It is being taken from its holder: if that was its last delivery, its dead letter may come from now on. */
  releasing(copy: Copy, dropped: boolean): void {
    if (copy.state.kind === "held") this.available(copy);
    if (dropped || this.#isExhausted(copy)) this.#letters(copy);
  }

  /** Whoever leaves may have fetched it unseen, and used up its deliveries. */
  abandoned(copy: Copy): void {
    const { group, state } = copy;
    if (group.deadLetter === undefined || state.kind === "over") return;
    if (state.kind === "held") {
      // A requeue that has no answer yet may have taken effect: then it may have been fetched again.
      const { settle } = state.delivery;
      if (this.book.promises.noPrefetch === true || settle === undefined) return;
      if (settle.due <= this.book.now()) settle.abandoned = true;
    } else if (this.book.promises.noPrefetch !== true) {
      copy.state = unsure;
      // On real time its publish may have got there already, and be answered long after.
      if (!this.book.virtual && copy.posting.state === "sending") group.loose.add(copy);
      this.#letters(copy);
    } else if (copy.deliveries + 1 >= group.deadLetter.maxDeliveries) {
      // It may have been delivered a moment ago, and the answer not be seen yet.
      this.#letters(copy, copy.deliveries + 1);
    }
  }

  /** A broker that prefetches also counts deliveries that nobody saw. So its own count is the better one. */
  #isExhausted({ group, deliveries, lastCount }: Copy): boolean {
    if (group.deadLetter === undefined) return false;
    const count = this.book.promises.countsExactly === true ? deliveries : (lastCount ?? deliveries);
    return count >= group.deadLetter.maxDeliveries;
  }

  /** What a group drops, or has delivered often enough, is owed to whoever reads its dead letters. */
  setAside(copy: Copy): void {
    for (const letter of this.#letters(copy)) {
      if (letter.state === unsure && letter.deliveries === 0) this.owe(letter, 0);
    }
  }

  #letters({ group, posting, deliveries }: Copy, attempts: number = deliveries): Copy[] {
    if (group.deadLetter === undefined) return [];
    const letter: Posting = {
      ...posting,
      topic: group.deadLetter.topic,
      setAside: { source: posting.topic, attempts: new Set([attempts]) },
    };
    return this.groupsOf(letter).map((reader) => {
      const copy = copyIn(reader, letter, unsure);
      // A drop that may not have got there leaves it to a later delivery, which counts more.
      copy.posting.setAside?.attempts.add(attempts);
      return copy;
    });
  }

  /** A delivery that is held for certain was not revoked. */
  checkHeld({ phase, settle, message, copy, ...delivery }: Delivery): void {
    if (phase !== "held" || settle !== undefined || message.revoked === undefined) return;
    const laws: LawName[] = ["settle-after-revocation", "conservation", ...copy.taints];
    if (delivery.deadline < Number.POSITIVE_INFINITY) laws.push("ack-deadline");
    const observed = `#${copy.posting.id} was revoked (${message.revoked.reason}) while ${delivery.seat.name} holds it`;
    this.violate(laws, observed, "it is held until it is settled, or its time is over");
  }

  revoke(delivery: Delivery, how: Revocation): void {
    // Where nothing is acknowledged there is no settle to refuse, and no delivery to revoke.
    const certain = delivery.seat.capabilities.settlement === "ack" && (this.book.virtual || how !== "crash");
    if (certain) delivery.phase = "revoked";
    // If it was settled at the moment of the crash, only the answer says so, and it may come one step later.
    const untold = how === "crash" && delivery.settle?.answer === "waiting";
    const owesSignal = certain && !untold && delivery.settle?.answer !== "ok";
    if (owesSignal) this.book.judged(["settle-after-revocation"]);
    if (owesSignal && !delivery.message.signal.aborted) this.#violateUntold(delivery, how);
    if (!isCurrent(delivery)) return;
    if (delivery.settle?.answer === "waiting") this.#doubt(delivery.copy);
    else this.owe(delivery.copy, 0, 0, delivery.seat);
  }

  /** Nobody knows whether its settle reached the broker. If it was a requeue, the message may be anywhere. */
  #doubt(copy: Copy): void {
    copy.state = unsure;
    this.#takenUnseen(copy);
  }

  /** What a member holds that is going. */
  going(seat: Seat): Delivery[] {
    seat.group.goers.add(seat);
    if (seat.group.seats.size > 1) this.rebalance(seat.group);
    return this.heldBy(seat);
  }

  /** What it held is revoked. */
  gone(seat: Seat, how: Departure): void {
    for (const delivery of this.heldBy(seat)) this.revoke(delivery, how);
    if (!this.book.virtual) seat.group.goers.delete(seat);
  }

  #violateUntold(delivery: Delivery, how: Revocation): void {
    if (delivery.settle?.answer === "waiting" && how !== "crash") {
      const observed = `the ${how} of ${delivery.seat.name} was over while a settle of ${nameOf(delivery)} had no answer`;
      const expected = "close() waits for the settles made before, or the delivery is revoked";
      this.violate(["close-returns-unsettled", "settle-after-revocation"], observed, expected);
      return;
    }
    const observed = `the signal of ${nameOf(delivery)} has not aborted after a ${how} of ${delivery.seat.name}`;
    this.violate(["settle-after-revocation"], observed, "a delivery that is revoked says so by its signal");
  }

  /** Its settle was answered: it took effect, or nobody knows. */
  settle(delivery: Delivery, settle: NonNullable<Delivery["settle"]>, done: boolean): void {
    const { copy } = delivery;
    settle.answer = done ? "ok" : "failed";
    if (done) this.#madeRoom(copy.group);
    if (!isCurrent(delivery)) {
      // It was taken away meanwhile, and the settle got there first or did not. Where another member moved the group, it may
      // have reached what stands at the new place.
      const reaches = delivery.nth === copy.deliveries || (copy.group.sought && !this.book.virtual);
      if (copy.state.kind === "owed" && reaches) copy.state = unsure;
      else copy.settledLate ||= done && !this.book.virtual && copy.state.kind === "held";
    } else if (!done || this.#isCutOff(delivery)) {
      this.#doubt(copy);
    } else if (settle.how === "ack") {
      copy.state = over("ack-is-final", "it was acked");
    } else if (settle.how === "drop") {
      copy.state = over("drop-is-final", "it was dropped");
      this.setAside(copy);
    } else {
      copy.hazards.add("requeue-redelivers");
      copy.group.disturbed = true;
      this.owe(copy, settle.notBefore, settle.due);
      if (settle.abandoned === true) this.abandoned(copy);
    }
  }

  /** Its connection is going down with what was written to it. */
  #isCutOff({ seat }: Delivery): boolean {
    return seat.crashing && this.book.promises.settlesSurviveCrash !== true;
  }

  /** Room for another delivery, where their number is bounded: it is owed one of the others. */
  #madeRoom({ options, copies }: Group): void {
    if (options.maxInFlight === undefined) return;
    for (const { state, hazards } of copies.values())
      if (state.kind === "owed") hazards.add("prefetch-bound");
  }

  /** The broker may not have heard of what was settled over a connection that crashed. */
  forgetSettles(connection: string): void {
    for (const { copy, settle, seat } of this.deliveries) {
      if (seat.connection === connection && settle !== undefined && copy.state.kind !== "held")
        copy.state = unsure;
    }
  }

  /** Who kept the delays of this group is going: what is delayed may come at once. */
  endDelays(group: Group): void {
    for (const copy of group.copies.values()) {
      if (copy.state.kind === "owed") copy.state = { ...copy.state, notBefore: 0 };
    }
    for (const delivery of this.deliveries) {
      if (delivery.copy.group === group && delivery.settle) delivery.settle.notBefore = 0;
    }
  }

  /** What happens to one delivery may reach the others its group holds. */
  taintOthers(delivery: Delivery, law: LawName): void {
    for (const copy of delivery.seat.group.copies.values()) {
      if (copy !== delivery.copy && copy.state.kind === "held") copy.taints.add(law);
    }
  }

  /** Every law that is broken when this copy does not come. */
  blameForLoss({ posting, group, hazards, taints }: Copy): Set<LawName> {
    const laws = new Set<LawName>(["conservation", ...hazards, ...taints]);
    if (posting.at === "payload") laws.add("payload-fidelity");
    if (posting.at === "headers") laws.add("header-fidelity");
    if (posting.setAside !== undefined) laws.add("dead-letter");
    if (group.target.pattern) laws.add("pattern");
    if (group.batched) laws.add("batches-bounded");
    if (this.book.isBounded(posting.topic)) laws.add("publish-waits");
    return laws;
  }

  violate(laws: Iterable<LawName>, observed: string, expected: string): void {
    this.book.report(new LawViolation(laws, { observed, expected }));
  }
}
