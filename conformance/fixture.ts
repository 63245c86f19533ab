import type { Broker, Clock, Connection, HeaderValue, SubscriptionSource } from "../src/traits/index.ts";
import type { LawName } from "./law.ts";

/** What a history needs of one of its topics. */
export interface TopicNeeds {
  /** The topic keeps what was published, so that a new group can read it from the start and seek in it. */
  readonly retained?: boolean;
  /** At most so many messages wait in the topic; a publish beyond that waits. Only where `bounded` is set. */
  readonly capacity?: number;
}

/** How a subscription is opened. An option the broker has no word for may be left aside: the capabilities say so. */
export interface SourceOptions {
  /**
   * Without a group the subscription gets its own copy of what is published after it opened; and of what no other has had
   * where its capabilities say `backlog: "unread"`.
   */
  readonly group?: string;
  readonly maxInFlight?: number;
  readonly ackDeadlineMs?: number;
  /** It starts at the first message of the retained topic, if it is new. */
  readonly retained?: boolean;
  readonly deadLetter?: { readonly topic: string; readonly maxDeliveries?: number };
}

export interface FixtureEnvironment {
  /** Virtual where `fixture.time` is "virtual". */
  readonly clock: Clock;
  /** Every topic this history uses, by its full name. A live fixture creates streams and queues from it. */
  readonly topics: ReadonlyMap<string, TopicNeeds>;
}

/** Limits for brokers on real time, in milliseconds. On virtual time nothing is waited for, and none applies. */
export interface Timings {
  /** How long a delivery that is owed may take, also after a crash. @default 10_000 */
  readonly arrivalMs: number;
  /**
   * How long a call may take to answer before the history goes on beside it. @default ten times the slowest of five
   * deliveries, measured at the start: at least 60, at most 2_000
   */
  readonly stepMs: number;
  /** How long `close()` of a subscriber or a connection may take. @default 10_000 */
  readonly closeMs: number;
  /** How much earlier or later than asked a delayed delivery may look, for two clocks that differ. @default 5 */
  readonly skewMs: number;
}

/** What a broker promises beyond the contract. Each one that is set makes a check stricter. */
export interface StrictPromises {
  /** A settle that resolved holds even when its connection dies in the same moment. */
  readonly settlesSurviveCrash?: boolean;
  /** A message that goes back is delivered before every later one that was not yet delivered. */
  readonly requeueKeepsPlace?: boolean;
  /**
   * The delivery count goes up by exactly one with each delivery that a consumer saw. A broker that counts what it fetches
   * ahead cannot promise this: a message that was fetched, seen by nobody and given back comes with the count 2.
   */
  readonly countsExactly?: boolean;
  /** Nothing leaves the group before it is asked for. */
  readonly noPrefetch?: boolean;
  /** `maxInFlight` bounds all subscribers of a group together. */
  readonly limitPerGroup?: boolean;
  /** A publish that rejects with `AbortedError` has sent nothing. */
  readonly abortSendsNothing?: boolean;
  /**
   * Calls of one connection reach the broker in the order they were made: a group that a connection opens is not given
   * what the same connection published before. Adds nothing where the broker confirms what is published.
   */
  readonly ordersCalls?: boolean;
}

/** Headers the transport carries, beyond the plain ones every transport carries. */
export interface HeaderAlphabet {
  /** @default names of letters, digits and dashes */
  readonly names?: readonly string[];
  readonly values?: readonly HeaderValue[];
  /** Names the adapter adds of its own to what is published. */
  readonly added?: readonly string[];
}

/** What the harness needs to know of positions, beside those of messages. */
export interface Positions {
  /** The first message of the log, for `seek`. */
  readonly start?: unknown;
  /** Behind the last message of the log, for `seek`. */
  readonly end?: unknown;
  /** A position that the log cannot hold. */
  readonly unavailable?: unknown;
  /**
   * Which of two messages of one topic stands first: a negative number where it is `a`. undefined where their positions
   * say nothing of each other, as in two partitions. Order is judged by it, because only the broker knows the order of
   * two publishes that overlapped. @default numbers and bigints by their value, nothing else
   */
  compare?(a: unknown, b: unknown): number | undefined;
}

/** How patterns are written on this broker. */
export interface PatternSyntax {
  readonly separator: string;
  /** Stands for exactly one token. */
  readonly one: string;
  /** Stands for one or more tokens at the end; left out where there is none. */
  readonly rest?: string;
}

/**
 * What the harness needs to know of a broker to hold it to the laws. The first four members are enough to begin; a
 * law that needs one of the others is reported as not claimed without it.
 */
export interface Fixture<C extends Connection = Connection> {
  readonly name: string;
  /** "virtual": time comes only from the clock handed to `broker`, so that thousands of histories run in a moment. */
  readonly time: "virtual" | "real";
  /** Called once per history. On real time it may lead to the same server each time: topics are never reused. */
  broker(environment: FixtureEnvironment): Broker<C> | Promise<Broker<C>>;
  source(topic: string, options: SourceOptions): SubscriptionSource<C>;
  /** Whether a source without a group works. @default true */
  readonly ungrouped?: boolean;
  patternSource?(pattern: string, options: SourceOptions): SubscriptionSource<C>;
  readonly patterns?: PatternSyntax;
  /** Ends the connection as a crash would, without a goodbye to the broker. */
  kill?(connection: C): void | Promise<void>;
  /** Restarts the server, whose topics have to survive that. Resolves when it accepts connections again. */
  restart?(): Promise<void>;
  /**
   * A change of a group's members moves what they hold: any of it may be revoked, unsettled, while others join
   * and leave. What is revoked says so, and comes again. "patterns": only in groups that subscribe by pattern.
   * @default false: only its own end takes a delivery from a member
   */
  readonly rebalances?: boolean | "patterns";
  /**
   * The broker may forget how often it delivered what goes back while a subscriber of the group closes or dies: its
   * count may be 1 again. @default false
   */
  readonly forgetsCounts?: boolean;
  /**
   * The broker may refuse a publish, `retryable`, while a group of its topic is opened for the first time. @default false:
   * only an end of a subscriber or a connection excuses a refusal
   */
  readonly refusesWhileOpening?: boolean;
  /** Whether `TopicNeeds.capacity` is honoured. */
  readonly bounded?: boolean;
  readonly positions?: Positions;
  readonly headers?: HeaderAlphabet;
  readonly promises?: StrictPromises;
  readonly timings?: Partial<Timings>;
  /** Words that must not show in a description: the user name and password the broker was given. */
  readonly secrets?: readonly string[];
  /** A law the broker declares it does not meet, with the reason. It is not run, and shows in the report. */
  readonly gaps?: Partial<Record<LawName, string>>;
}

export const defaultTimings: Timings = { arrivalMs: 10_000, stepMs: 2_000, closeMs: 10_000, skewMs: 5 };
