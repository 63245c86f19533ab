import type { Message } from "../../src/traits/index.ts";
import type { LawName } from "../law.ts";
import { checkLimit, identify, judgeArrival, judgeStranger, judgeUnowed } from "./arrival.ts";
import { chancesOfExcess, hasStrangers, heldByPause } from "./chances.ts";
import {
  admit,
  admitDoubtful,
  admitLate,
  copyIn,
  diedUnnoticed,
  isCurrent,
  isPromised,
  over,
  unsure,
} from "./copies.ts";
import { type Departure, Holdings } from "./holdings.ts";
import { groupFor, isServed, newSeat, type OpeningFacts, opensFirst } from "./openings.ts";
import type { Posting, PostingFacts } from "./posting.ts";
import type { Book, Copy, Delivery, Group, Seat, SettleHow } from "./records.ts";
import { checkRoom } from "./room.ts";
import { Seeks } from "./seeking.ts";
import { expectedAnswer, judgeSettle, type SettleTicket } from "./settling.ts";
import { Signals } from "./signals.ts";
import { Transacted } from "./transacted.ts";

/**
 * The reference: what each group is owed, holds, and must not see again. It is told of every call and every answer, in
 * the order they happen, and reports what contradicts the contract.
 *
 * It allows what the contract leaves open (when a requeued message comes, what a crash does to a settle that was on its
 * way, what another subscriber has prefetched) unless the broker's capabilities or strict promises say more.
 */
export class Ledger {
  readonly postings: Map<number, Posting> = new Map();
  readonly seeks: Seeks;
  readonly transacted: Transacted;
  readonly #holdings: Holdings;
  readonly #signals: Signals;
  #restedAt = 0;
  /** When a subscriber, or a connection, last began to go or was gone. */
  #departedAt = 0;
  #crashed = false;

  constructor(book: Book) {
    this.#holdings = new Holdings(book);
    this.seeks = new Seeks(this.#holdings, this.postings);
    this.transacted = new Transacted(this.#holdings);
    this.#signals = new Signals(book);
  }

  /** The number of the last thing that happened. */
  get event(): number {
    return this.#holdings.event;
  }

  get groups(): Iterable<Group> {
    return this.#holdings.groups.values();
  }

  get deliveries(): readonly Delivery[] {
    return this.#holdings.deliveries;
  }

  /** The broker had all the time it needs. */
  rested(): void {
    this.#restedAt = this.#holdings.rested();
    for (const group of this.groups) {
      for (const seat of group.seats) {
        if (seat.flow !== "pausing") continue;
        seat.flow = "paused";
        seat.pausedSince = this.#restedAt;
        seat.cameAfterPause = 0;
      }
    }
    for (const delivery of this.deliveries) this.#holdings.checkHeld(delivery);
    this.#signals.judge(this.deliveries, this.#crashed);
  }

  // --- publishing

  sending(facts: PostingFacts): Posting {
    const startedAt = this.#holdings.tick();
    const startedMs = this.#holdings.book.now();
    const posting: Posting = { ...facts, startedAt, startedMs, confirmedAt: undefined, state: "sending" };
    this.postings.set(posting.id, posting);
    for (const group of this.#holdings.groupsOf(posting)) {
      if (group.seats.size > 0 || group.liveSince !== undefined) copyIn(group, posting, unsure);
    }
    return posting;
  }

  sent(posting: Posting): void {
    posting.confirmedAt = this.#holdings.tick();
    posting.state = "sent";
    const groups = this.#holdings.groupsOf(posting).filter((group) => group.copies.has(posting.id));
    for (const group of groups) {
      const copy = copyIn(group, posting, unsure);
      if (groups.length > 1) copy.taints.add("group-copies");
      const first = copy.state === unsure && copy.deliveries === 0;
      if (first && isPromised(group, posting) && !group.loose.has(copy)) this.#holdings.owe(copy, 0);
    }
  }

  /** A publish rejected. With `law` nothing was sent, and a delivery of it breaks that law. */
  notSent(posting: Posting, law: LawName | undefined): void {
    this.#holdings.tick();
    this.transacted.released(posting);
    posting.state = law === undefined ? "unknown" : "refused";
    if (law === undefined) return;
    for (const group of this.#holdings.groupsOf(posting)) {
      const copy = copyIn(group, posting, unsure);
      if (copy.deliveries > 0) {
        const observed = `#${posting.id} was delivered, and its publish was refused`;
        this.#holdings.violate([law], observed, "nothing was sent");
      }
      copy.state = over(law, "its publish was refused");
    }
  }

  // --- subscribers

  /** A subscription is being opened. What is published until it is open may reach a new group, and need not. */
  opening(facts: OpeningFacts): Seat {
    const group = groupFor(this.#holdings.groups, facts, this.#holdings.tick());
    const seat = newSeat(group, facts);
    if (group.seats.size === 0 && group.liveSince === undefined) {
      for (const posting of this.postings.values()) {
        if (!group.target.covers(posting.topic)) continue;
        const others = this.#holdings.groupsOf(posting).filter((other) => other !== group);
        if (!this.transacted.isHidden(group, posting))
          admit(group, posting, others, this.#isAhead(posting, facts));
      }
      admitDoubtful(group);
    }
    const elsewhere = [...group.seats].some(({ connection }) => connection !== facts.connection);
    if (group.liveSince === undefined && elsewhere) admitLate(group);
    if (group.seats.size > 0) this.#holdings.rebalance(group);
    group.seats.add(seat);
    group.scattered ||= group.batched && group.seats.size > 1;
    return seat;
  }

  /** A client that lost its connection may subscribe again before it sends the publishes that waited. */
  #isAhead({ publisher }: Posting, { connection }: OpeningFacts): boolean {
    return this.#holdings.book.promises.ordersCalls === true && publisher === connection && !this.#crashed;
  }

  opened(seat: Seat): void {
    const now = this.#holdings.tick();
    seat.group.liveSince ??= now;
    seat.state = "open";
  }

  openFailed(seat: Seat): void {
    const now = this.#holdings.tick();
    const { group } = seat;
    seat.state = "closed";
    group.seats.delete(seat);
    if (group.durable || group.liveSince === undefined) return;
    // The server may have had it for a member, and have given it what nobody will see; or give it that still, until it
    // notices that the connection is gone.
    diedUnnoticed(group, this.#holdings.book);
    group.liveSince = isServed(group) ? now : undefined;
    for (const copy of this.owed(group)) copy.state = unsure;
  }

  pausing(seat: Seat): void {
    seat.pausedAt = this.#holdings.tick();
    seat.flow = "pausing";
    for (const copy of this.owed(seat.group)) copy.hazards.add("pause-holds");
  }

  resumed(seat: Seat): void {
    this.#holdings.tick();
    seat.flow = "on";
    seat.pausedSince = undefined;
  }

  /** A call for a batch waits on this seat, or none does any more. */
  forming(seat: Seat, forming: boolean): void {
    this.#holdings.tick();
    seat.forming = forming;
    seat.group.batched ||= forming;
    seat.group.scattered ||= forming && seat.group.seats.size > 1;
  }

  /** The loop over a subscriber ends by `break`. */
  broke(seat: Seat): void {
    this.#holdings.tick();
    seat.forming = false;
    for (const { state, hazards } of seat.group.copies.values()) {
      if (state.kind === "owed" || state.kind === "held") hazards.add("break-loses-nothing");
    }
  }

  /** The subscriber is going away: what it holds may be delivered again from here on. */
  leaving(seat: Seat, how: Departure): void {
    this.departing(how);
    if (seat.state === "closed") return;
    const law = how === "crash" ? "crash-returns-unsettled" : "close-returns-unsettled";
    seat.state = "closing";
    seat.ends ||= how !== "crash";
    seat.crashing ||= how === "crash";
    seat.group.disturbed = true;
    seat.group.leavingAt = this.#departedAt;
    seat.forming = false;
    const held = this.#holdings.going(seat);
    if (seat.capabilities.delayedRequeue === "local") this.#holdings.endDelays(seat.group);
    for (const copy of seat.group.copies.values()) {
      if (copy.state.kind === "owed") copy.hazards.add(law);
      this.#holdings.abandoned(copy);
    }
    for (const delivery of held) {
      delivery.phase = "leaving";
      delivery.copy.hazards.add(law);
      this.#holdings.releasing(delivery.copy, false);
    }
    if (how === "crash" && this.#holdings.book.promises.settlesSurviveCrash !== true) {
      this.#holdings.forgetSettles(seat.connection);
    }
  }

  /** The subscriber is gone; after a crash that it survived (`stays`) only its deliveries are. */
  left(seat: Seat, how: Departure, stays = false): void {
    const now = this.departing();
    if (seat.state === "closed") return;
    const { group } = seat;
    seat.state = !stays ? "closed" : seat.ends ? "closing" : "open";
    seat.crashing = false;
    if (stays) seat.survivedAt = now;
    else seat.leftAt = now;
    if (!stays) group.seats.delete(seat);
    this.#holdings.gone(seat, how);
    if (group.durable) return;
    if (how === "crash") diedUnnoticed(group, this.#holdings.book);
    const gone = group.seats.size === 0;
    // Nobody says when a subscription is live again after a reconnect, or when the server hears of one that opens.
    if (stays || !isServed(group)) group.liveSince = undefined;
    // Nobody has promised to keep what it had: another subscriber may still be given what is left.
    const rest = gone ? over("quiet-after-close", "its subscription is gone", now) : unsure;
    for (const copy of group.copies.values()) {
      if (copy.state.kind === "over") continue;
      copy.unsettled = gone && copy.state.kind !== "unsure" && group.capabilities.settlement === "ack";
      copy.state = rest;
    }
  }

  /** A subscriber or a connection goes, or has gone. Gives the number of that. */
  departing(how?: Departure): number {
    if (how === "crash") this.#crashed = true;
    this.#departedAt = this.#holdings.tick();
    return this.#departedAt;
  }

  /** Whether a subscriber or a connection was going while this was published: then a server may have refused it. */
  overlapsDeparture({ startedAt }: Pick<Posting, "startedAt">): boolean {
    if (this.#departedAt >= startedAt) return true;
    return [...this.groups].some(({ seats }) => [...seats].some(({ state }) => state === "closing"));
  }

  /** See `opensFirst`. */
  overlapsFirstOpening(posting: Posting): boolean {
    return opensFirst(this.groups, posting);
  }

  /** Whether a group of the topic is being opened: the broker may not know the topic yet. */
  isOpening(topic: string): boolean {
    return [...this.groups].some(
      ({ target, seats }) => target.covers(topic) && [...seats].some(({ state }) => state === "opening"),
    );
  }

  // --- deliveries

  /** A subscriber was handed a message, in answer to a pull made at `pulledAt`. Undefined for one that nobody knows. */
  delivered(seat: Seat, message: Message, pulledAt: number): Delivery | undefined {
    this.#holdings.tick();
    const { book } = this.#holdings;
    book.judged(chancesOfExcess(book, seat));
    if (hasStrangers(seat, this.postings.values())) {
      book.judged(seat.group.target.pattern ? ["topic-isolation", "pattern"] : ["topic-isolation"]);
    }
    const posting = identify(message, this.postings);
    const copy = posting && seat.group.copies.get(posting.id);
    if (posting === undefined) judgeStranger(book, seat, message);
    else if (copy === undefined) judgeUnowed(book, seat, posting);
    if (copy === undefined) return undefined;
    if (this.seeks.overtakes({ copy, message, pulledAt, restedAt: this.#restedAt }))
      return this.#holdings.stray(copy, seat, message);
    for (const sibling of this.transacted.shown(copy.posting)) this.sent(sibling);
    const undisturbed = !this.overlapsDeparture(copy.posting);
    const heardAt = Math.max(pulledAt, this.#restedAt);
    const crossed = seat.survivedAt !== undefined && heardAt <= seat.survivedAt;
    const late = message.revoked !== undefined && (seat.state !== "open" || crossed);
    judgeArrival({ book, seat, message, copy, undisturbed, late, pulledAt, restedAt: this.#restedAt });
    if (late) return this.#holdings.pass(copy, seat, message);
    const delivery = this.#holdings.hold(copy, seat, message);
    this.#signals.watch(delivery);
    checkLimit(book, seat, this.#holdings.underLimit(seat));
    return delivery;
  }

  settling(delivery: Delivery, how: SettleHow, delayMs: number): SettleTicket {
    this.#holdings.tick();
    const expected = expectedAnswer(delivery);
    const { taints } = delivery.copy;
    if (expected === "already settled") {
      taints.add("single-use");
    } else if (expected === "revoked") {
      taints.add("settle-after-revocation");
      this.#holdings.taintOthers(delivery, "settle-after-revocation");
    } else {
      // If the member keeps the delay, it ends when the message moves to another member.
      const kept = !(delivery.seat.group.moving && delivery.seat.capabilities.delayedRequeue === "local");
      const due = how === "delay" ? this.#holdings.book.now() + delayMs : 0;
      delivery.settle = { how, notBefore: kept ? due : 0, due, answer: "waiting" };
      if (how !== "ack") this.#holdings.releasing(delivery.copy, how === "drop");
      this.#holdings.taintOthers(delivery, "independent-settles");
    }
    return { how, expected };
  }

  /** A settle was answered: with nothing, or with an error. */
  settled(delivery: Delivery, ticket: SettleTicket, error: unknown): void {
    this.#holdings.tick();
    const verdict = judgeSettle(this.#holdings.book, delivery, ticket, error);
    if (verdict === "refused" || delivery.settle === undefined) return;
    if (verdict === "unsupported") delivery.settle = undefined;
    else if (verdict === "revoked") this.#holdings.revoke(delivery, "close");
    else this.#holdings.settle(delivery, delivery.settle, verdict === "done");
  }

  /** `keepAlive()` resolved; the deadline counts from its call. */
  keptAlive(delivery: Delivery, calledAtMs: number): void {
    this.#holdings.tick();
    if (delivery.phase === "revoked" || !isCurrent(delivery)) return;
    // It was in time, whatever it looked like.
    if (delivery.seat.state === "open") delivery.phase = "held";
    delivery.deadline = calledAtMs + (delivery.seat.capabilities.ackDeadlineMs ?? Number.POSITIVE_INFINITY);
    delivery.earliestDeadline = delivery.deadline;
  }

  // --- questions

  /** Whether its subscriber still has it for certain. */
  isHeld(delivery: Delivery): boolean {
    this.#holdings.tick();
    return delivery.phase === "held" && !delivery.seat.group.moving;
  }

  /** What the group still has to be given; with `byNow` without what is delayed. */
  owed(group: Group, byNow = false): Copy[] {
    const now = this.#holdings.book.now();
    return [...group.copies.values()].filter(
      ({ state }) => state.kind === "owed" && (!byNow || state.notBefore <= now),
    );
  }

  /** The broker is at rest, and a pull of this seat waits: what it must not be answered with has had its chance. */
  waited(seat: Seat): void {
    const { book } = this.#holdings;
    if (seat.state !== "open") return;
    book.judged(chancesOfExcess(book, seat));
    if (seat.flow === "paused") {
      const allowed = book.promises.noPrefetch === true ? 0 : seat.capabilities.maxInFlight;
      if (seat.cameAfterPause + heldByPause(seat, book.now()) > allowed) book.judged(["pause-holds"]);
    }
    const held = this.#holdings.underLimit(seat).filter(({ settle }) => settle === undefined).length;
    if (held >= seat.capabilities.maxInFlight && this.owed(seat.group, true).length > 0) {
      book.judged(["prefetch-bound"]);
    }
  }

  /** A copy that a pull which waits on this seat should have been given by now. */
  starving(seat: Seat): Copy | undefined {
    const { group } = seat;
    if (seat.state !== "open" || seat.flow !== "on" || this.seeks.isMoving(group)) return undefined;
    if (group.seats.size > 1 && this.#holdings.book.promises.noPrefetch !== true) return undefined;
    const due = this.owed(group, true);
    const delayed = this.owed(group).length - due.length;
    const held = this.#holdings.underLimit(seat).length;
    return held + delayed >= seat.capabilities.maxInFlight ? undefined : due[0];
  }

  /** Of a bounded topic, when the broker is at rest. */
  checkRoom(topic: string, capacity: number): void {
    const postings = [...this.postings.values()].filter((posting) => posting.topic === topic);
    checkRoom(this.#holdings, postings, capacity);
  }

  /** Reports that a copy has not come; it may still. */
  missing(copy: Copy, when: string): void {
    const observed = `#${copy.posting.id} did not come to ${copy.group.label} ${when}`;
    const expected = copy.deliveries === 0 ? "it is delivered" : "it is delivered again";
    const laws = this.#holdings.blameForLoss(copy);
    this.#holdings.book.judged(laws);
    this.#holdings.violate(laws, observed, expected);
    copy.state = unsure;
  }
}
