import type { Capabilities, Message } from "../../src/traits/index.ts";
import type { SourceOptions, StrictPromises } from "../fixture.ts";
import type { LawName, LawViolation } from "../law.ts";
import type { Posting } from "./posting.ts";

/** What the ledger and its judges go by. */
export interface Book {
  readonly promises: StrictPromises;
  /** A change of a group's members moves what they hold. */
  readonly rebalances: boolean | "patterns";
  /** The count of a message that is requeued while a subscriber leaves may restart at 1. */
  readonly forgetsCounts: boolean;
  /** On virtual time everything that can happen has happened when a step is over. */
  readonly virtual: boolean;
  readonly skewMs: number;
  /** Headers the adapter may add of its own, in lower case. */
  readonly addedHeaders: ReadonlySet<string>;
  /** Whether a publish to this topic may have to wait for room. */
  isBounded(topic: string): boolean;
  /** Which of two positions comes first in the log, as the broker reports them; undefined where they are not of one log. */
  comparePositions(a: unknown, b: unknown): number | undefined;
  now(): number;
  /** Every timer of the broker that was due before this time has fired. */
  firedUntil(): number;
  report(violation: LawViolation): void;
  /** A broker that breaks one of these laws would have been caught just now. */
  judged(laws: Iterable<LawName>): void;
}

/** A topic, or a pattern that stands for several. */
export interface Target {
  /** As a step names it. */
  readonly label: string;
  readonly pattern: boolean;
  covers(topic: string): boolean;
}

/** A group of one target, or a subscription without a group, which is a group of its own. */
export interface Group {
  readonly label: string;
  readonly target: Target;
  /** Opens another subscriber of it. */
  readonly options: SourceOptions;
  /** What it sets aside goes there. */
  readonly deadLetter: { readonly topic: string; readonly maxDeliveries: number } | undefined;
  readonly capabilities: Capabilities;
  /** Keeps what it is owed while nobody is subscribed. */
  readonly durable: boolean;
  readonly copies: Map<number, Copy>;
  readonly seats: Set<Seat>;
  /** The event at which somebody first began to open it; since then the broker may know it. */
  readonly begunAt: number;
  /** The event since which it is owed all that is published; undefined while it is owed nothing. */
  liveSince: number | undefined;
  /** The event at which one of its members last began to go: what that one was handed just before may be seen just after. */
  leavingAt: number;
  /** Until then, by the clock, the server may take a member that died for alive, and give it what nobody will see. */
  noticesMs: number;
  /** Its members changed where that moves what they hold: any of it may be revoked from here on. */
  moving: boolean;
  /** That may still be under way: what a member is handed may be taken from it before anybody sees it. */
  rebalancing: boolean;
  /** Members that are leaving, or have left since the broker was last at rest. They return prefetched messages that nobody saw. */
  readonly goers: Set<Seat>;
  /** A message was requeued, or a subscriber left. A broker that prefetches may then deliver in another order. */
  disturbed: boolean;
  /** It was moved in its log: what comes after that may be counted from 1 again. */
  sought: boolean;
  /** The event at which its last move began or was over: deliveries of before it may still be told of. */
  soughtAt: number;
  /**
   * What was being published while the group was moved, or while somebody left who may have used up its deliveries unseen:
   * nobody knows whether it still has to come.
   */
  readonly loose: Set<Copy>;
  /** Members read, or have read, it in batches. */
  batched: boolean;
  /** A batch formed beside other members, which may have been given what is later. */
  scattered: boolean;
}

/** One subscriber's place in its group. */
export interface Seat {
  readonly name: string;
  readonly group: Group;
  readonly connection: string;
  readonly capabilities: Capabilities;
  state: "opening" | "open" | "closing" | "closed";
  /** Its close() or its connection's close() was called, so a reconnect does not open it again. */
  ends: boolean;
  /** A crash is taking what it holds: what it settles meanwhile may not have reached the broker. */
  crashing: boolean;
  /** The event at which it was over. */
  leftAt: number | undefined;
  /** The event at which a crash that it survived last took what it held. */
  survivedAt: number | undefined;
  /** "pausing": what was on its way may still come. */
  flow: "on" | "pausing" | "paused";
  /** The event of its last pause. */
  pausedAt: number;
  /** The event at which it was paused, and at rest. */
  pausedSince: number | undefined;
  /** How much that was published since then came all the same. */
  cameAfterPause: number;
  /** A call for a batch waits: what the batch has taken nobody has seen. */
  forming: boolean;
  /** What it was the first of its group to see, in order. */
  readonly firsts: Copy[];
}

export type CopyState =
  /** May come, and need not. */
  | { readonly kind: "unsure" }
  /** Has to come, no sooner than `notBefore`; from `due` on nothing is in its way. */
  | { readonly kind: "owed"; readonly notBefore: number; readonly due: number; readonly since: number }
  | { readonly kind: "held"; readonly delivery: Delivery }
  /** Must not come, or not again. `since`: until that event it was free to come; 0 where that excuses nothing. */
  | { readonly kind: "over"; readonly law: LawName; readonly why: string; readonly since: number };

/** One message as one group sees it. */
export interface Copy {
  readonly posting: Posting;
  readonly group: Group;
  state: CopyState;
  deliveries: number;
  /** Deliveries that a seek or a departure overtook, which the broker may have counted and the ledger does not. */
  strays: number;
  /**
   * An earlier delivery of it was settled after it had been delivered again, on real time, where a member may hear late
   * that its deadline is over: the server may take that settle for the message.
   */
  settledLate: boolean;
  /** The time since which the broker may have handed it to somebody. */
  availableMs: number;
  /** What the broker said at the last delivery. */
  lastCount: number | undefined;
  /** Where the broker said it stands; undefined where it says nothing, or nothing yet. */
  position: unknown;
  lastSeat: Seat | undefined;
  /** Its subscription was over before anybody in it was done with it: what has no name leaves that to the next. */
  unsettled: boolean;
  /** The laws a loss of it breaks; they start afresh with each delivery. */
  readonly hazards: Set<LawName>;
  /** What was done to it that a broker may get wrong much later. */
  readonly taints: Set<LawName>;
}

export type SettleHow = "ack" | "requeue" | "drop" | "delay";

export interface Delivery {
  readonly copy: Copy;
  readonly seat: Seat;
  readonly message: Message;
  /** 1 for the first delivery of this copy. */
  readonly nth: number;
  /** "leaving": a close, a crash or the deadline is taking it away, and a settle may still be in time. */
  phase: "held" | "leaving" | "revoked";
  /** The settle that was made, whether or not it was answered. */
  settle:
    | {
        readonly how: SettleHow;
        notBefore: number;
        readonly due: number;
        answer: "waiting" | "ok" | "failed";
        /** Somebody left before it was answered, and may have prefetched the requeued message unseen. */
        abandoned?: boolean;
      }
    | undefined;
  /**
   * When its ack deadline passes at the latest, and at the earliest: a broker that prefetches counts from before it
   * was seen.
   */
  deadline: number;
  earliestDeadline: number;
}

/** `#3`, or `#3 (2nd delivery)`. */
export function nameOf(delivery: Delivery): string {
  const id = `#${delivery.copy.posting.id}`;
  return delivery.nth === 1 ? id : `${id} (${ordinal(delivery.nth)} delivery)`;
}

export function ordinal(n: number): string {
  const suffix = ["th", "st", "nd", "rd"][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? "th";
  return `${n}${suffix}`;
}
