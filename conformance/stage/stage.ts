import { randomUUID } from "node:crypto";
import type { Broker, Connection } from "../../src/traits/index.ts";
import type { TopicNeeds } from "../fixture.ts";
import { type LawName, LawViolation } from "../law.ts";
import { Ledger } from "../model/ledger.ts";
import type { Copy, Delivery, Group } from "../model/records.ts";
import type { Subject } from "../subject.ts";
import { ConnectionActor } from "./connection-actor.ts";
import { type Pace, paceOf, turns } from "./pace.ts";
import { Patience } from "./patience.ts";
import type { RequestActor } from "./request-actor.ts";
import type { GroupSpec, SubscriberActor } from "./subscriber-actor.ts";
import { type Scribe, Trace } from "./trace.ts";
import type { TransactionActor } from "./transaction-actor.ts";

/** The topics of one history, by a short label each. */
export type Topics = Readonly<Record<string, TopicNeeds>>;

/** How the next step follows this one: when everything is at rest, or so many turns of the microtask queue later. */
export type Gap = "rest" | number;

/** Who follows a history from outside. */
export interface Watch {
  /** Whether a contradiction fails the history. */
  counts(violation: LawViolation): boolean;
  /** Told of every moment at which a broker that breaks one of these laws would have been caught. */
  judged(laws: Iterable<LawName>): void;
  /** Writes the history down where it outlives the thread it is played on. */
  readonly scribe?: Scribe | undefined;
}

/** A call that waits, and can be aborted. */
export interface Abortable {
  readonly what: string;
  readonly controller: AbortController;
  readonly connection: ConnectionActor;
  /** The error it rejected with, or undefined. Never rejects. */
  readonly answer: Promise<unknown>;
  over: boolean;
}

/** A call to the broker that has to be answered some time. */
interface Call {
  readonly what: string;
  readonly laws: readonly LawName[];
  readonly answer: Promise<void>;
  over: boolean;
}

const processToken = randomUUID().slice(0, 8);
let histories = 0;

/**
 * One history: the broker with its connections and subscribers, the clock, the ledger that judges, and the trace that
 * remembers. Steps act through it, and it fails by throwing the violation of its law.
 */
export class Stage {
  readonly subject: Subject;
  readonly pace: Pace;
  readonly trace: Trace;
  readonly ledger: Ledger;
  readonly connections: ConnectionActor[] = [];
  readonly subscribers: SubscriberActor[] = [];
  /** What each group was opened by, or was to be. */
  readonly specs: Map<Group, GroupSpec> = new Map();
  readonly transactions: TransactionActor[] = [];
  /** What a step may open: set before the first one. */
  groups: readonly GroupSpec[] = [];
  /** Requests that a step may answer. */
  readonly asked: RequestActor[] = [];
  readonly patience: Patience = new Patience();
  /** Subscriptions that are being opened. They never reject. */
  readonly opening: Set<Promise<unknown>> = new Set();
  /** Seeks that are on their way: until they are over nobody knows what their groups are owed. */
  readonly moving: Set<Promise<unknown>> = new Set();
  /** Calls with a signal, whose abort is a step of its own. */
  readonly abortable: Abortable[] = [];
  /** Ends when the ledger knows of what was taken beside a next() that waited: whatever is called later is told later. */
  told: Promise<void> = Promise.resolve();
  /** How many takes the ledger has still to be told of. */
  untold = 0;
  /** Laws of what this history used beside publishing and receiving: a timer that is left may be theirs. */
  readonly uses: Set<LawName> = new Set();
  /** What the names of its topics begin with. */
  readonly base: string;
  readonly #topics: ReadonlyMap<string, string>;
  readonly #needs: Topics;
  readonly #calls: Call[] = [];
  #broker: Broker | undefined;
  #messages = 0;
  #subscribers = 0;
  readonly #watch: Watch;
  /** The first contradiction that counts. */
  #found: LawViolation | undefined;

  private constructor(subject: Subject, watch: Watch, topics: Topics) {
    this.subject = subject;
    this.#watch = watch;
    this.trace = new Trace(watch.scribe);
    this.pace = paceOf(subject.fixture, subject.timings);
    this.#needs = topics;
    this.base = newBase(subject);
    const separator = subject.fixture.patterns?.separator ?? "-";
    this.#topics = new Map(
      Object.keys(topics).map((label) => [label, [this.base, ...label.split(".")].join(separator)]),
    );
    this.ledger = new Ledger({
      promises: subject.promises,
      rebalances: subject.fixture.rebalances ?? false,
      forgetsCounts: subject.fixture.forgetsCounts === true,
      virtual: this.pace.virtual,
      skewMs: subject.timings.skewMs,
      addedHeaders: new Set(subject.fixture.headers?.added?.map((name) => name.toLowerCase())),
      isBounded: (topic) =>
        Object.entries(topics).some(
          ([label, need]) => need.capacity !== undefined && this.topic(label) === topic,
        ),
      comparePositions: subject.fixture.positions?.compare ?? compareNumbers,
      now: () => this.pace.clock.now(),
      firedUntil: () => this.pace.firedUntil(),
      report: (violation) => this.report(violation),
      judged: (laws) => this.judged(laws),
    });
  }

  static async open(subject: Subject, watch: Watch, topics: Topics): Promise<Stage> {
    const stage = new Stage(subject, watch, topics);
    const needs = Object.entries(topics).map(([label, need]) => [stage.topic(label), need] as const);
    stage.#broker = await subject.fixture.broker({ clock: stage.pace.clock, topics: new Map(needs) });
    return stage;
  }

  /** The full name of the topic with this label. */
  topic(label: string): string {
    const name = this.#topics.get(label);
    if (name === undefined) throw new Error(`a history without the topic ${label}`);
    return name;
  }

  get topics(): Topics {
    return this.#needs;
  }

  get broker(): Broker {
    if (this.#broker === undefined) throw new Error("the stage is not open");
    return this.#broker;
  }

  /** How many messages there were. */
  get messages(): number {
    return this.#messages;
  }

  nextSubscriber(): string {
    this.#subscribers += 1;
    return `s${this.#subscribers}`;
  }

  /** The next message of this history. */
  nextMessage(): number {
    this.#messages += 1;
    return this.#messages;
  }

  async connect(): Promise<ConnectionActor> {
    const connection: Connection = await this.broker.connect();
    const actor = new ConnectionActor(this, `c${this.connections.length + 1}`, connection);
    this.connections.push(actor);
    return actor;
  }

  /** Deliveries that were not settled, and that can be, or may be. */
  held(): Delivery[] {
    return this.ledger.deliveries.filter(({ phase, settle }) => phase !== "revoked" && settle === undefined);
  }

  /** Runs one action, then lets the broker come to rest, or only a little further. Throws what breaks the law. */
  async step(act: () => unknown, gap: Gap = "rest"): Promise<void> {
    const operation = Promise.resolve(act());
    if (gap === "rest") await this.rest(operation);
    else await turns(gap);
    this.check();
  }

  async rest(operation: Promise<unknown> = Promise.resolve()): Promise<void> {
    await this.pace.rest(operation);
    this.ledger.rested();
    for (const connection of this.connections) connection.rested();
    await this.#feed();
  }

  /** Remembers a call that has to be answered, and breaks `laws` when it never is. */
  track(what: string, laws: readonly LawName[], answer: Promise<void>): Promise<void> {
    const call: Call = { what, laws, answer, over: false };
    this.#calls.push(call);
    return answer.finally(() => {
      call.over = true;
    });
  }

  /** What is being opened is open, or has failed: until then it may hold messages, and nobody would know it. */
  async awaitOpens(): Promise<void> {
    await this.pace.within(Promise.all(this.opening), this.subject.timings.closeMs);
  }

  async awaitSeeks(): Promise<void> {
    await this.pace.within(Promise.all(this.moving), this.subject.timings.closeMs);
  }

  /** Every call that was made is answered, within the time there is for it. */
  async awaitCalls(): Promise<void> {
    for (const call of this.#calls) {
      if (call.over || (await this.pace.within(call.answer, this.subject.timings.closeMs))) continue;
      this.violate(call.laws, `${call.what} was never answered`, "every call is answered");
      call.over = true;
    }
  }

  violate(laws: Iterable<LawName>, observed: string, expected: string): void {
    this.report(new LawViolation(laws, { observed, expected }));
  }

  report(violation: LawViolation): void {
    if (this.#watch.counts(violation)) this.#found ??= violation;
  }

  /** A broker that breaks one of these laws would have been caught just now. */
  judged(laws: Iterable<LawName>): void {
    this.#watch.judged(laws);
  }

  check(): void {
    if (this.#found !== undefined) throw this.#found;
  }

  #answers(subscriber: SubscriberActor): Promise<boolean> {
    return this.pace.within(subscriber.firstAnswer(), this.subject.timings.arrivalMs);
  }

  /** Whether the copy may stand in a batch that forms for a member of its group. */
  #mayForm(copy: Copy): boolean {
    const members = this.subscribers.filter(({ seat }) => seat.group === copy.group && seat.forming);
    const limitMs = Math.max(0, ...members.map(({ batchWaitMs }) => batchWaitMs));
    return this.patience.lasts(copy, limitMs, this.pace.clock.now());
  }

  /** Ends every connection, whatever state it is in. Never throws. */
  async dismantle(): Promise<void> {
    for (const { connection } of this.connections) {
      await this.pace.within(
        connection.close().catch(() => undefined),
        this.subject.timings.closeMs,
      );
    }
  }

  /** Holds that every waiting pull which should have been answered is. */
  async #feed(): Promise<void> {
    // A log may hide everything that was published after a message of an open transaction.
    if (!this.pace.virtual && this.transactions.some(({ state }) => state === "open")) return;
    this.patience.begin(this.subscribers.flatMap(({ name, seat }) => (seat.forming ? [name] : [])));
    for (const subscriber of this.subscribers) {
      if (subscriber.waiting > 0) this.ledger.waited(subscriber.seat);
      let copy = this.ledger.starving(subscriber.seat);
      // In real time, this pull may get another message, and the next pull this one.
      while (subscriber.waiting > 0 && copy !== undefined) {
        const starved = copy;
        if (!this.pace.virtual && (await this.#answers(subscriber))) {
          copy = this.ledger.starving(subscriber.seat);
          continue;
        }
        if (this.pace.virtual && this.#mayForm(copy)) break;
        copy = this.ledger.starving(subscriber.seat);
        // A seek that was on its way may have ended the claim to this message.
        if (copy !== starved) continue;
        this.ledger.missing(copy, `while ${subscriber.name} waited for it`);
        break;
      }
    }
    this.patience.end();
    for (const [label, { capacity }] of Object.entries(this.#needs)) {
      if (capacity !== undefined) this.ledger.checkRoom(this.topic(label), capacity);
    }
  }
}

function compareNumbers(a: unknown, b: unknown): number | undefined {
  const known = [a, b].every((position) => typeof position === "number" || typeof position === "bigint");
  if (!known) return undefined;
  const [first, second] = [a, b] as [number | bigint, number | bigint];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** What the topics of a history begin with: another for each on a live broker. */
function newBase({ fixture }: Subject): string {
  histories += 1;
  return fixture.time === "virtual" ? "case" : `tidelane-${processToken}-${histories}`;
}
