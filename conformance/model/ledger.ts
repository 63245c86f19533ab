import type { Capabilities, Message } from "../../src/traits/index.ts";
import type { SourceOptions } from "../fixture.ts";
import { type LawName, LawViolation } from "../law.ts";
import { checkLimit, identify, judgeArrival, judgeStranger, judgeWrongTopic } from "./arrival.ts";
import { admit, copyIn, isCurrent, isPromised, over, unsure } from "./copies.ts";
import type { Posting } from "./posting.ts";
import {
  type Book,
  blameForLoss,
  type Copy,
  type Delivery,
  type Group,
  nameOf,
  type Seat,
  type SettleHow,
} from "./records.ts";
import { expectedAnswer, judgeSettle, type SettleTicket } from "./settling.ts";

/** How a subscriber goes away. */
export type Departure = "close" | "shutdown" | "crash";

export interface OpeningFacts {
  readonly seat: string;
  readonly group: string | undefined;
  readonly topic: string;
  readonly connection: string;
  readonly options: SourceOptions;
  readonly capabilities: Capabilities;
}

/**
 * The reference: what each group is owed, holds, and must not see again. It is told of every call and every answer, in
 * the order they happen, and reports what contradicts the contract.
 *
 * It allows what the contract leaves open (when a requeued message comes, what a crash does to a settle that was on its
 * way, what another subscriber has prefetched) unless the broker's capabilities or strict promises say more.
 */
export class Ledger {
  readonly postings: Map<number, Posting> = new Map();
  readonly groups: Map<string, Group> = new Map();
  readonly deliveries: Delivery[] = [];
  readonly #book: Book;
  /** Goes up with each thing that happens; orders what has no time between. */
  #event = 0;

  constructor(book: Book) {
    this.#book = book;
  }

  /** The number of the last thing that happened. */
  get event(): number {
    return this.#event;
  }

  // --- publishing

  sending(facts: Omit<Posting, "startedAt" | "confirmedAt" | "state">): Posting {
    const posting: Posting = { ...facts, startedAt: this.#tick(), confirmedAt: undefined, state: "sending" };
    this.postings.set(posting.id, posting);
    for (const group of this.#groupsOf(posting)) {
      if (group.seats.size > 0 || group.liveSince !== undefined) copyIn(group, posting, unsure);
    }
    return posting;
  }

  sent(posting: Posting): void {
    posting.confirmedAt = this.#tick();
    posting.state = "sent";
    const groups = this.#groupsOf(posting).filter((group) => group.copies.has(posting.id));
    for (const group of groups) {
      const copy = copyIn(group, posting, unsure);
      if (groups.length > 1) copy.taints.add("group-copies");
      if (copy.state === unsure && copy.deliveries === 0 && isPromised(group, posting)) this.#owe(copy, 0);
    }
  }

  /** A publish rejected. With `law` nothing was sent, and a delivery of it breaks that law. */
  notSent(posting: Posting, law: LawName | undefined): void {
    this.#tick();
    posting.state = law === undefined ? "unknown" : "refused";
    if (law === undefined) return;
    for (const group of this.#groupsOf(posting)) {
      const copy = copyIn(group, posting, unsure);
      if (copy.deliveries > 0)
        this.#violate([law], `#${posting.id} was delivered`, "its publish was refused");
      copy.state = over(law, "its publish was refused");
    }
  }

  // --- subscribers

  /** A subscription is being opened. What is published until it is open may reach a new group, and need not. */
  opening(facts: OpeningFacts): Seat {
    this.#tick();
    const group = this.#groupFor(facts);
    const { seat: name, connection, capabilities } = facts;
    const seat: Seat = { name, group, connection, capabilities, state: "opening", paused: false, firsts: [] };
    if (group.seats.size === 0 && group.liveSince === undefined) {
      for (const posting of this.postings.values()) if (posting.topic === group.topic) admit(group, posting);
    }
    group.seats.add(seat);
    return seat;
  }

  opened(seat: Seat): void {
    seat.group.liveSince ??= this.#tick();
    seat.state = "open";
  }

  openFailed(seat: Seat): void {
    this.#tick();
    seat.state = "closed";
    seat.group.seats.delete(seat);
  }

  /** The loop over a subscriber ends by `break`. */
  broke(seat: Seat): void {
    this.#tick();
    for (const { state, hazards } of seat.group.copies.values()) {
      if (state.kind === "owed" || state.kind === "held") hazards.add("break-loses-nothing");
    }
  }

  /** The subscriber is going away: what it holds may be delivered again from here on. */
  leaving(seat: Seat, how: Departure): void {
    this.#tick();
    if (seat.state === "closed") return;
    seat.state = "closing";
    seat.group.disturbed = true;
    for (const { state, hazards } of seat.group.copies.values())
      if (state.kind === "owed") hazards.add(lawOf(how));
    for (const delivery of this.heldBy(seat)) {
      delivery.phase = "leaving";
      delivery.copy.hazards.add(lawOf(how));
    }
    if (how === "crash" && this.#book.promises.settlesSurviveCrash !== true) this.#forgetSettles(seat);
  }

  /** The subscriber is gone; after a crash that it survived (`stays`) only its deliveries are. */
  left(seat: Seat, how: Departure, stays = false): void {
    this.#tick();
    if (seat.state === "closed") return;
    const { group } = seat;
    seat.state = stays ? "open" : "closed";
    if (!stays) group.seats.delete(seat);
    for (const delivery of this.heldBy(seat)) this.#lose(delivery, how);
    if (group.durable || stays) return;
    const gone = group.seats.size === 0;
    if (gone) group.liveSince = undefined;
    // Nobody has promised to keep what it had: another subscriber may still be given what is left.
    const rest = gone ? over("quiet-after-close", "its subscription is gone") : unsure;
    for (const copy of group.copies.values()) if (copy.state.kind !== "over") copy.state = rest;
  }

  // --- deliveries

  /** A subscriber was handed a message, in answer to a pull made at `pulledAt`. Undefined for one that nobody knows. */
  delivered(seat: Seat, message: Message, pulledAt: number): Delivery | undefined {
    this.#tick();
    const posting = identify(message, this.postings);
    if (posting === undefined) {
      judgeStranger(this.#book, seat, message);
      return undefined;
    }
    const copy = seat.group.copies.get(posting.id);
    if (copy === undefined) {
      judgeWrongTopic(this.#book, seat, posting);
      return undefined;
    }
    judgeArrival({ book: this.#book, seat, message, copy, pulledAt });
    const delivery = this.#hold(copy, seat, message);
    checkLimit(
      this.#book,
      seat,
      this.#sharers(seat).flatMap((other) => this.heldBy(other)),
    );
    return delivery;
  }

  settling(delivery: Delivery, how: SettleHow, delayMs: number): SettleTicket {
    this.#tick();
    const expected = expectedAnswer(delivery);
    const { taints } = delivery.copy;
    if (expected === "already settled") {
      taints.add("single-use");
    } else if (expected === "lost") {
      taints.add("settle-after-loss");
      this.#taintOthers(delivery, "settle-after-loss");
    } else {
      const notBefore = this.#book.now() + (how === "delay" ? delayMs : 0);
      delivery.settle = { how, notBefore, answer: "waiting" };
      this.#taintOthers(delivery, "independent-settles");
    }
    return { how, expected };
  }

  /** A settle was answered: with nothing, or with an error. */
  settled(delivery: Delivery, ticket: SettleTicket, error: unknown): void {
    this.#tick();
    const verdict = judgeSettle(this.#book, delivery, ticket, error);
    if (verdict === "refused" || delivery.settle === undefined) return;
    if (verdict === "unsupported") delivery.settle = undefined;
    else if (verdict === "lost") this.#lose(delivery, "close");
    else this.#settle(delivery, delivery.settle, verdict === "done");
  }

  /** `keepAlive()` resolved; the deadline counts from its call. */
  keptAlive(delivery: Delivery, calledAtMs: number): void {
    this.#tick();
    if (delivery.phase !== "held") return;
    delivery.deadline = calledAtMs + deadlineOf(delivery.seat);
  }

  // --- questions

  /** Deliveries of a subscriber, or of all, that stand between their message and its next delivery. */
  heldBy(seat?: Seat): Delivery[] {
    return this.deliveries.filter(
      (delivery) => isCurrent(delivery) && (seat === undefined || delivery.seat === seat),
    );
  }

  /** What the group still has to be given; with `byNow` without what is delayed. */
  owed(group: Group, byNow = false): Copy[] {
    const now = this.#book.now();
    return [...group.copies.values()].filter(
      ({ state }) => state.kind === "owed" && (!byNow || state.notBefore <= now),
    );
  }

  /** A copy that a pull which waits on this seat should have been given by now. */
  starving(seat: Seat): Copy | undefined {
    const { group } = seat;
    if (seat.state !== "open" || seat.paused) return undefined;
    if (group.seats.size > 1 && this.#book.promises.noPrefetch !== true) return undefined;
    const held = this.#sharers(seat).flatMap((other) => this.heldBy(other)).length;
    const delayed = this.owed(group).length - this.owed(group, true).length;
    return held + delayed >= seat.capabilities.maxInFlight ? undefined : this.owed(group, true)[0];
  }

  /** Reports that a copy has not come; it may still. */
  missing(copy: Copy, when: string): void {
    const again = copy.deliveries === 0 ? "it is delivered" : "it is delivered again";
    this.#violate(
      blameForLoss(copy),
      `#${copy.posting.id} did not come to ${copy.group.label} ${when}`,
      again,
    );
    copy.state = unsure;
  }

  // --- state

  /** Deadlines that have passed take effect. Gives the number of what happens now. */
  #tick(): number {
    this.#event += 1;
    const now = this.#book.now();
    for (const delivery of this.deliveries) {
      if (delivery.deadline > now || delivery.phase !== "held" || !isCurrent(delivery)) continue;
      delivery.copy.hazards.add("ack-deadline");
      delivery.seat.group.disturbed = true;
      delivery.phase = this.#book.virtual ? "lost" : "leaving";
      this.#owe(delivery.copy, delivery.deadline);
    }
    return this.#event;
  }

  #hold(copy: Copy, seat: Seat, message: Message): Delivery {
    if (copy.deliveries === 0) seat.firsts.push(copy.posting);
    copy.deliveries += 1;
    copy.lastCount = message.deliveryCount;
    copy.lastSeat = seat;
    copy.hazards.clear();
    const delivery: Delivery = {
      copy,
      seat,
      message,
      nth: copy.deliveries,
      phase: seat.state === "closing" || seat.state === "closed" ? "leaving" : "held",
      settle: undefined,
      deadline: this.#book.now() + deadlineOf(seat),
    };
    copy.state = seat.state === "closed" ? unsure : { kind: "held", delivery };
    this.deliveries.push(delivery);
    return delivery;
  }

  #settle(delivery: Delivery, settle: NonNullable<Delivery["settle"]>, done: boolean): void {
    const { copy } = delivery;
    settle.answer = done ? "ok" : "failed";
    if (!isCurrent(delivery)) {
      // It was taken away meanwhile, and the settle got there first or did not.
      if (copy.state.kind === "owed" && delivery.nth === copy.deliveries) copy.state = unsure;
    } else if (!done) {
      copy.state = unsure;
    } else if (settle.how === "ack") {
      copy.state = over("ack-is-final", "it was acked");
    } else if (settle.how === "drop") {
      copy.state = over("drop-is-final", "it was dropped");
    } else {
      copy.hazards.add("requeue-redelivers");
      copy.group.disturbed = true;
      this.#owe(copy, settle.notBefore);
    }
  }

  #owe(copy: Copy, notBefore: number): void {
    copy.state = { kind: "owed", notBefore, since: this.#event };
  }

  #lose(delivery: Delivery, how: Departure): void {
    const certain = this.#book.virtual || how !== "crash";
    if (certain) delivery.phase = "lost";
    if (certain && delivery.settle?.answer !== "ok" && !delivery.message.signal.aborted) {
      const observed = `the signal of ${nameOf(delivery)} has not aborted after a ${how} of ${delivery.seat.name}`;
      this.#violate(["settle-after-loss"], observed, "a delivery that is lost says so by its signal");
    }
    if (!isCurrent(delivery)) return;
    if (delivery.settle?.answer === "waiting") delivery.copy.state = unsure;
    else this.#owe(delivery.copy, 0);
  }

  /** The broker may not have heard of what was settled over a connection that crashed. */
  #forgetSettles(seat: Seat): void {
    for (const { copy, settle, seat: holder } of this.deliveries) {
      if (holder.connection === seat.connection && settle !== undefined && copy.state.kind !== "held")
        copy.state = unsure;
    }
  }

  #taintOthers(delivery: Delivery, law: LawName): void {
    for (const copy of delivery.seat.group.copies.values()) {
      if (copy !== delivery.copy && copy.state.kind === "held") copy.taints.add(law);
    }
  }

  /** The seats whose deliveries count against one limit. */
  #sharers(seat: Seat): readonly Seat[] {
    return this.#book.promises.limitPerGroup === true ? [...seat.group.seats] : [seat];
  }

  #groupsOf(posting: Posting): Group[] {
    return [...this.groups.values()].filter((group) => group.topic === posting.topic);
  }

  #groupFor(facts: OpeningFacts): Group {
    const key = `${facts.topic} ${facts.group ?? `(${facts.seat})`}`;
    const known = this.groups.get(key);
    if (known !== undefined) return known;
    const group: Group = {
      label: facts.group === undefined ? `the subscription ${facts.seat}` : `group ${facts.group}`,
      name: facts.group,
      topic: facts.topic,
      options: facts.options,
      capabilities: facts.capabilities,
      durable: facts.group !== undefined && facts.capabilities.settlement === "ack",
      copies: new Map(),
      seats: new Set(),
      liveSince: undefined,
      disturbed: false,
    };
    this.groups.set(key, group);
    return group;
  }

  #violate(laws: Iterable<LawName>, observed: string, expected: string): void {
    this.#book.report(new LawViolation(laws, { observed, expected }));
  }
}

function deadlineOf(seat: Seat): number {
  return seat.capabilities.ackDeadlineMs ?? Number.POSITIVE_INFINITY;
}

function lawOf(how: Departure): LawName {
  return how === "crash" ? "crash-returns-unsettled" : "close-returns-unsettled";
}
