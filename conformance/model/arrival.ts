import { headerNames, type Message } from "../../src/traits/index.ts";
import { type LawName, LawViolation } from "../law.ts";
import { isInPlace, isOrdered } from "./chances.ts";
import { headerFault, payloadFault, showBytes, showValue } from "./fidelity.ts";
import { isEarlier, positionOf, standsBefore } from "./order.ts";
import { comesBefore, idOfHeaders, idOfPayload, type Posting } from "./posting.ts";
import { type Book, type Copy, type Delivery, ordinal, type Seat } from "./records.ts";

/** A message that was handed to a seat, and that is a copy of something that was published. */
export interface Arrival {
  readonly book: Book;
  readonly seat: Seat;
  readonly message: Message;
  readonly copy: Copy;
  /** Nobody has gone since its publish was called: what was called later cannot have overtaken it by a reconnect. */
  readonly undisturbed: boolean;
  /** It was handed out before its subscriber went, which is when it was revoked, and is seen only now. */
  readonly late: boolean;
  /** The event of the pull that it answers. */
  readonly pulledAt: number;
  /** The event at which the broker last came to rest. */
  readonly restedAt: number;
}

/** What is wrong with it; `observed` follows its name. */
interface Fault {
  readonly laws: Iterable<LawName>;
  readonly observed: string;
  readonly expected: string;
}

type Check = (arrival: Arrival) => Fault | undefined;

/** Which message of the history this is, by what its payload says, or else its headers. */
export function identify(message: Message, postings: ReadonlyMap<number, Posting>): Posting | undefined {
  const stated = postings.get(idOfPayload(message.payload) ?? 0) ?? postings.get(idOfHeaders(message) ?? 0);
  if (stated !== undefined) return stated;
  const alike = [...postings.values()].filter((posting) => payloadFault(posting, message) === undefined);
  return alike.length === 1 ? alike[0] : undefined;
}

/** Holds an arrival against what may and must come. Each check stands for itself. */
export function judgeArrival(arrival: Arrival): void {
  for (const check of arrival.late ? always : checks) {
    const fault = check(arrival);
    if (fault === undefined) continue;
    const observed = `#${arrival.copy.posting.id} ${fault.observed}`;
    arrival.book.report(new LawViolation(fault.laws, { observed, expected: fault.expected }));
  }
}

/** What holds of whatever arrives. */
const always: readonly Check[] = [
  ({ copy, message, book }) => {
    book.judged(faithful("payload-fidelity", copy));
    const observed = payloadFault(copy.posting, message);
    return observed === undefined
      ? undefined
      : { laws: faithful("payload-fidelity", copy), observed, expected: "the payload arrives as published" };
  },
  ({ copy, message, book }) => {
    if (copy.posting.headers.length > 0) book.judged(faithful("header-fidelity", copy));
    const observed = headerFault(copy.posting, message, book.addedHeaders, copy.deliveries > 0);
    return observed === undefined
      ? undefined
      : { laws: faithful("header-fidelity", copy), observed, expected: "headers arrive as published" };
  },
  ({ copy, message }) => {
    if (message.topic === copy.posting.topic) return undefined;
    const observed = `says its topic is "${message.topic}" instead of "${copy.posting.topic}"`;
    return { laws: ["topic-isolation"], observed, expected: "a message says where it was published" };
  },
  ({ copy, message, seat }) => {
    const { key, keyHeader } = copy.posting;
    if (!seat.capabilities.partitionKey || message.partitionKey === key) return undefined;
    // A transport may have no other place for the key than the header.
    if (key === undefined && keyHeader !== undefined && message.partitionKey === keyHeader) return undefined;
    const observed = `has the key ${showKey(message.partitionKey)} instead of ${showKey(key ?? keyHeader)}`;
    const laws = [...faithful("header-fidelity", copy), "key-order", "capabilities-match"] as const;
    return { laws, observed, expected: "a message keeps its key" };
  },
  ({ seat, pulledAt, restedAt }) => {
    // A message delivered just before the end may be seen just after it.
    if (seat.leftAt === undefined || Math.max(pulledAt, restedAt) <= seat.leftAt) return undefined;
    const observed = `was delivered to ${seat.name}, which is over`;
    return { laws: ["quiet-after-close"], observed, expected: "a subscription that is over is silent" };
  },
  setAside,
];

const checks: readonly Check[] = [...always, unpaused, mayCome, inOrder, inPlace, counted];

function showKey(key: string | undefined): string {
  return key === undefined ? "undefined" : showValue(key);
}

/** A dead letter is to be as faithful as what it was made of. */
function faithful(law: LawName, copy: Copy): readonly LawName[] {
  return copy.posting.setAside === undefined ? [law] : [law, "dead-letter"];
}

/** Whether it may come at all, and now. */
function mayCome({ book, copy, seat, pulledAt, restedAt }: Arrival): Fault | undefined {
  const { state, taints } = copy;
  switch (state.kind) {
    case "unsure":
      return undefined;
    case "over":
      // Where nothing is acked no delivery is revoked: one that was handed out just before the end is seen as it is.
      if (seat.capabilities.settlement === "none" && Math.max(pulledAt, restedAt) <= state.since)
        return undefined;
      return {
        laws: [state.law, ...taints],
        observed: `was delivered although ${state.why}`,
        expected: "it is not delivered",
      };
    case "owed":
      return notEarly(book, state.notBefore);
    case "held":
      return released(book, state.delivery, copy);
    default:
      return state satisfies never;
  }
}

/** A dead letter says why it is one, where it comes from, and how often it was delivered. */
function setAside({ book, copy, message }: Arrival): Fault | undefined {
  const facts = copy.posting.setAside;
  if (facts === undefined) return undefined;
  book.judged(["dead-letter"]);
  const said = {
    source: message.headers.get(headerNames.deadLetterSource),
    attempts: message.headers.get(headerNames.deadLetterAttempts),
    reason: message.headers.get(headerNames.deadLetterReason),
  };
  const exact = book.promises.countsExactly !== true || facts.attempts.has(Number(said.attempts));
  const counted = /^[1-9]\d*$/.test(said.attempts ?? "") && exact;
  const right = said.source === facts.source && counted && said.reason;
  if (right) return undefined;
  return {
    laws: ["dead-letter"],
    observed: `was set aside with the source ${said.source}, the attempts ${said.attempts} and the reason ${said.reason}`,
    expected: `its source is ${facts.source}, its attempts are ${[...facts.attempts].join(" or ")}, and it has a reason`,
  };
}

/** What was fetched before the pause may still come, and as much as was asked for by then; what is more may not. */
function unpaused({ book, seat, copy, pulledAt }: Arrival): Fault | undefined {
  if (seat.flow !== "paused") return undefined;
  if (copy.posting.startedAt > (seat.pausedSince ?? 0)) seat.cameAfterPause += 1;
  const formed = seat.forming && freeSince(copy) < seat.pausedAt;
  // What a batch took before the pause is here already.
  if (formed && pulledAt < seat.pausedAt) return undefined;
  const observed = `was delivered to ${seat.name}, which is paused`;
  if (book.promises.noPrefetch === true) {
    return { laws: ["pause-holds"], observed, expected: "a paused subscriber is given nothing" };
  }
  const { maxInFlight } = seat.capabilities;
  if (seat.cameAfterPause <= maxInFlight) return undefined;
  const expected = `of what is published after the pause at most maxInFlight = ${maxInFlight} had been asked for`;
  return { laws: ["pause-holds"], observed, expected };
}

/** The event from which on a batch may have taken it: at the first time that is the call of its publish. */
function freeSince({ state, deliveries, posting }: Copy): number {
  if (state.kind !== "owed") return Number.POSITIVE_INFINITY;
  return deliveries === 0 ? posting.startedAt : state.since;
}

function notEarly(book: Book, notBefore: number): Fault | undefined {
  const earlyMs = notBefore - book.now();
  if (earlyMs <= (book.virtual ? 0 : book.skewMs)) return undefined;
  const expected = "nackAfter(ms) is never cut short";
  return { laws: ["nack-after-never-early"], observed: `came ${earlyMs} ms early`, expected };
}

/** Its last holder has to have given it back, or be about to. */
function released(book: Book, holder: Delivery, copy: Copy): Fault | undefined {
  const { settle } = holder;
  if (holder.phase !== "held") return undefined;
  // The message moved while its settle was on its way. The answer of the settle will say so.
  if (holder.seat.group.moving && settle?.answer === "waiting") return undefined;
  if (settle?.how === "requeue" || settle?.how === "delay") return notEarly(book, settle.notBefore);
  const laws: LawName[] = ["group-shares", ...copy.taints];
  if (holder.deadline < Number.POSITIVE_INFINITY) laws.push("ack-deadline");
  if (settle !== undefined) laws.push(settle.how === "ack" ? "ack-is-final" : "drop-is-final");
  const observed = `was delivered while ${holder.seat.name} holds it`;
  return { laws, observed, expected: "in a group a message is held once" };
}

/** A broker that prefetches may have let its ack deadline pass before anybody saw it. */
function mayHaveExpired({ book, copy, seat }: Pick<Arrival, "book" | "copy" | "seat">): boolean {
  const { ackDeadlineMs } = seat.capabilities;
  if (ackDeadlineMs === undefined) return false;
  return book.now() - copy.posting.startedMs >= ackDeadlineMs - (book.virtual ? 0 : book.skewMs);
}

function inOrder(arrival: Arrival): Fault | undefined {
  const { book, copy, seat, message, undisturbed } = arrival;
  if (copy.deliveries > 0) return undefined;
  // A prefetched message that was given back arrives late. That does not break the order.
  const unseen = seat.group.disturbed || mayHaveExpired(arrival);
  if (unseen && book.promises.noPrefetch !== true) return undefined;
  if (seat.group.scattered) return undefined;
  if (isOrdered(copy, seat, undisturbed)) book.judged(["key-order"]);
  const { order } = seat.capabilities;
  const placed = order === "topic" || order === "partition";
  const later = seat.firsts.find(
    (other) =>
      comesBefore(copy.posting, other.posting, order, undisturbed) ||
      (placed && standsBefore(book, { ...copy, position: positionOf(message) }, other)),
  );
  if (later === undefined) return undefined;
  const key = copy.posting.key === undefined ? "" : `of key ${copy.posting.key} `;
  const expected = "first deliveries come in the order of the publishes";
  const laws: LawName[] = ["key-order"];
  if (book.isBounded(copy.posting.topic)) laws.push("publish-waits");
  if (copy.hazards.has("transaction-visibility")) laws.push("transaction-visibility");
  if (copy.hazards.has("seek-lands")) laws.push("seek-lands");
  if (seat.group.batched) laws.push("batches-bounded");
  return { laws, observed: `${key}came after #${later.posting.id}`, expected };
}

/** Only if requeued messages keep their place: no later message overtakes one that was there before the pull. */
function inPlace({ book, copy, seat, message, pulledAt }: Arrival): Fault | undefined {
  if (book.promises.requeueKeepsPlace !== true || seat.group.scattered) return undefined;
  if (isInPlace(book, copy)) book.judged(["requeue-keeps-place"]);
  const arriving = { ...copy, position: positionOf(message) };
  for (const other of seat.group.copies.values()) {
    if (other === copy || other.deliveries === 0 || other.state.kind !== "owed") continue;
    const { due, since } = other.state;
    // A message that falls due at this moment may arrive one step later.
    if (due >= book.firedUntil() || since >= pulledAt) continue;
    if (!isEarlier(book, other, arriving)) continue;
    const observed = `came before #${other.posting.id}, which had been requeued`;
    return {
      laws: ["requeue-keeps-place"],
      observed,
      expected: "a requeued message comes before later ones",
    };
  }
  return undefined;
}

function counted({ book, copy, seat, message, restedAt }: Arrival): Fault | undefined {
  const count = message.deliveryCount;
  const kind = seat.capabilities.deliveryCount;
  if (kind === "none") {
    if (count === undefined) return undefined;
    const expected = 'with deliveryCount "none" there is none';
    return { laws: ["capabilities-match"], observed: `has the delivery count ${count}`, expected };
  }
  book.judged(["delivery-count-grows"]);
  const nth = copy.deliveries + 1;
  const fault = (expected: string): Fault => ({
    laws: [
      "delivery-count-grows",
      ...(count === undefined ? (["capabilities-match"] as const) : []),
      ...(seat.group.batched ? (["batches-bounded"] as const) : []),
    ],
    observed: `has the delivery count ${count} at its ${ordinal(nth)} delivery`,
    expected,
  });
  if (count === undefined || !Number.isSafeInteger(count) || count < 1) return fault("it counts from 1");
  // If the process counts, a new subscription starts at 1.
  if (kind === "process" && nth > 1 && copy.lastSeat !== seat) return undefined;
  const { disturbed, moving, sought } = seat.group;
  const unseen = disturbed || moving || sought || mayHaveExpired({ book, copy, seat });
  const exact = book.promises.countsExactly === true || (nth === 1 && !unseen);
  // The delivery before this one went to a member that is gone. That member may not have shown it yet.
  const crossing = seat.group.leavingAt > restedAt && count > nth;
  const strayed = count > nth && count <= nth + copy.strays;
  if (exact && count !== nth && !crossing && !strayed) return fault(`it is ${nth}`);
  const { hazards } = copy;
  const leaving = hazards.has("close-returns-unsettled") || hazards.has("crash-returns-unsettled");
  const last = book.forgetsCounts && leaving ? 0 : (copy.lastCount ?? 0);
  return count > last ? undefined : fault(`it is more than ${last}`);
}

/** Nobody published it. */
export function judgeStranger(book: Book, seat: Seat, message: Message): void {
  const observed = `${seat.name} was given a message that nobody published, with the payload ${showBytes(message.payload)}`;
  const expected = "only what was published is delivered";
  book.report(new LawViolation(["payload-fidelity", "conservation"], { observed, expected }));
}

/** The group was not to have it: it was published elsewhere, or to a subscription that was gone. */
export function judgeUnowed(book: Book, seat: Seat, posting: Posting): void {
  if (seat.group.target.covers(posting.topic)) {
    const observed = `${seat.name} was given #${posting.id}, which was published when its subscription was gone`;
    const expected = "a subscription that is over is silent";
    book.report(new LawViolation(["quiet-after-close"], { observed, expected }));
    return;
  }
  const observed = `${seat.name} was given #${posting.id}, which was published to another topic`;
  const expected = "a subscription is given messages of its own topic only";
  const law = seat.group.target.pattern ? "pattern" : "topic-isolation";
  book.report(new LawViolation([law, "topic-isolation"], { observed, expected }));
}

/** `held` are the deliveries that count against one limit. */
export function checkLimit(book: Book, seat: Seat, held: readonly Delivery[]): void {
  const sure = held.filter((delivery) => delivery.phase === "held" && delivery.settle === undefined);
  if (sure.length <= seat.capabilities.maxInFlight) return;
  const whose = book.promises.limitPerGroup === true ? seat.group.label : seat.name;
  const observed = `${whose} holds ${sure.length} deliveries that are not settled`;
  const expected = `at most maxInFlight = ${seat.capabilities.maxInFlight} are`;
  book.report(new LawViolation(["prefetch-bound"], { observed, expected }));
}
