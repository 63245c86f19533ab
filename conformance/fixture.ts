import type { Broker, Clock, Connection, HeaderValue, SubscriptionSource } from "../src/traits/index.ts";
import type { LawName } from "./law.ts";

/** What a history needs of one of its topics. */
export interface TopicNeeds {
  /** The topic keeps its messages, so that a new group can read them from the start, and seek in them. */
  readonly retained?: boolean;
  /** At most this many messages wait in the topic; a further publish waits. Only if `bounded` is set. */
  readonly capacity?: number;
}

/**
 * How to open a subscription. Ignore an option that the broker does not have; the capabilities of the source must
 * then say so.
 */
export interface SourceOptions {
  /**
   * The group. Without it the subscription gets its own copy of what is published after it opened. If its
   * capabilities say `backlog: "unread"`, it also gets what no other subscription has had.
   */
  readonly group?: string;
  /** The most deliveries that it holds unsettled. */
  readonly maxInFlight?: number;
  /** How long, in milliseconds, a delivery may stay unsettled. */
  readonly ackDeadlineMs?: number;
  /** If it is new, it starts at the first message of the retained topic. */
  readonly retained?: boolean;
  /** Where dropped messages go, and those that were delivered `maxDeliveries` times. */
  readonly deadLetter?: { readonly topic: string; readonly maxDeliveries?: number };
}

/** What the harness gives to `broker()`. */
export interface FixtureEnvironment {
  /** The clock of the broker. It is virtual if `fixture.time` is "virtual". */
  readonly clock: Clock;
  /**
   * Every topic of this history, by its full name. A fixture of a real server creates its streams and queues from
   * it.
   */
  readonly topics: ReadonlyMap<string, TopicNeeds>;
}

/** Limits for real time, in milliseconds. In virtual time, nothing waits, and none applies. */
export interface Timings {
  /** How long a delivery may take, also after a crash. @default 10_000 */
  readonly arrivalMs: number;
  /**
   * How long a call may take before the history goes on beside it. @default ten times the slowest of five
   * deliveries, measured at the start: at least 60, at most 2_000
   */
  readonly stepMs: number;
  /** How long `close()` may take. @default 10_000 */
  readonly closeMs: number;
  /** How much two clocks may differ: a delayed delivery may look this much too early. @default 5 */
  readonly skewMs: number;
}

/** Promises that the contract does not make. Each one that you set makes a check stricter. */
export interface StrictPromises {
  /** A settle that resolved holds, even if its connection dies at the same moment. */
  readonly settlesSurviveCrash?: boolean;
  /** A requeued message is delivered before every later one that was not delivered yet. */
  readonly requeueKeepsPlace?: boolean;
  /**
   * The delivery count grows by exactly one with each delivery that a consumer saw. A broker that counts prefetched
   * messages cannot promise this, because it counts deliveries that nobody saw.
   */
  readonly countsExactly?: boolean;
  /** Nothing leaves the group before somebody pulls. */
  readonly noPrefetch?: boolean;
  /** `maxInFlight` bounds all subscribers of a group together. */
  readonly limitPerGroup?: boolean;
  /** A publish that rejects with `AbortedError` has sent nothing. */
  readonly abortSendsNothing?: boolean;
  /**
   * The calls of one connection reach the broker in their order. So a group that a connection opens does not get
   * what the same connection published before. It adds nothing if the broker confirms publishes.
   */
  readonly ordersCalls?: boolean;
}

/** Headers that the transport carries, beyond those that every transport carries. */
export interface HeaderAlphabet {
  /** Names of headers. @default names of letters, digits and dashes */
  readonly names?: readonly string[];
  /** Values of headers. */
  readonly values?: readonly HeaderValue[];
  /** Names that the adapter adds to what is published. */
  readonly added?: readonly string[];
}

/** Positions of the log, for `seek`. */
export interface Positions {
  /** The first message of the log. */
  readonly start?: unknown;
  /** After the last message of the log. */
  readonly end?: unknown;
  /** A position that the log cannot hold. */
  readonly unavailable?: unknown;
  /**
   * Which of two messages of a topic stands first: negative if `a` does. Undefined if their positions do not tell,
   * as in two partitions. The harness judges order by it, because only the broker knows the order of two publishes
   * that overlapped. @default numbers and bigints by their value, nothing else
   */
  compare?(a: unknown, b: unknown): number | undefined;
}

/** How the broker writes patterns. */
export interface PatternSyntax {
  /** Separates the tokens of a topic. */
  readonly separator: string;
  /** Matches exactly one token. */
  readonly one: string;
  /** Matches one or more tokens at the end. Leave it out if there is none. */
  readonly rest?: string;
}

/**
 * What the harness needs to know of a broker. The first four members are enough to begin. If a law needs another
 * one, the report says "not claimed" until you add it.
 */
export interface Fixture<C extends Connection = Connection> {
  readonly name: string;
  /**
   * "virtual": the broker takes time only from the clock that `broker` gets, so thousands of histories run in a
   * moment. "real": a server.
   */
  readonly time: "virtual" | "real";
  /**
   * Makes the broker. Called for each history. For a server it may lead to the same one each time, because topics
   * are never used twice.
   */
  broker(environment: FixtureEnvironment): Broker<C> | Promise<Broker<C>>;
  /** Makes a source for one subscription. */
  source(topic: string, options: SourceOptions): SubscriptionSource<C>;
  /** Whether a source without a group works. @default true */
  readonly ungrouped?: boolean;
  /** Makes a source for a pattern. */
  patternSource?(pattern: string, options: SourceOptions): SubscriptionSource<C>;
  /** How the broker writes patterns. */
  readonly patterns?: PatternSyntax;
  /** Ends the connection as a crash would, without a goodbye to the broker. */
  kill?(connection: C): void | Promise<void>;
  /** Restarts the server, which must keep its topics. Resolves when it accepts connections again. */
  restart?(): Promise<void>;
  /**
   * While members join or leave a group, other members may lose deliveries too. Such a delivery must be revoked,
   * and come again. "patterns": only in groups that subscribe by pattern. @default false: only its own end revokes
   * a member's deliveries
   */
  readonly rebalances?: boolean | "patterns";
  /**
   * While a member of the group closes or dies, the broker may forget the count of a requeued message, so that it
   * starts at 1. @default false
   */
  readonly forgetsCounts?: boolean;
  /**
   * While a group of a topic opens for the first time, the broker may refuse a publish with a `retryable` error.
   * @default false: only an end of a subscriber or a connection excuses a refusal
   */
  readonly refusesWhileOpening?: boolean;
  /** Whether the broker heeds `TopicNeeds.capacity`. */
  readonly bounded?: boolean;
  /** Positions of the log, for `seek`. */
  readonly positions?: Positions;
  /** Headers that the transport carries. */
  readonly headers?: HeaderAlphabet;
  /** Promises that the contract does not make. */
  readonly promises?: StrictPromises;
  /** Limits for real time. */
  readonly timings?: Partial<Timings>;
  /** Words that a description must not show: the user name and the password. */
  readonly secrets?: readonly string[];
  /**
   * Laws that the broker declares it cannot keep, each with the reason. They are not run, and the report shows
   * them.
   */
  readonly gaps?: Partial<Record<LawName, string>>;
}

export const defaultTimings: Timings = { arrivalMs: 10_000, stepMs: 2_000, closeMs: 10_000, skewMs: 5 };
