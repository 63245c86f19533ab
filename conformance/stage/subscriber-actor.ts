import {
  type BatchOptions,
  isTidelaneError,
  type Message,
  type Subscriber,
  type SubscriberIterator,
} from "../../src/traits/index.ts";
import { isBatching, isPausable } from "../abilities.ts";
import type { SourceOptions } from "../fixture.ts";
import type { LawName } from "../law.ts";
import type { Departure } from "../model/holdings.ts";
import { nameOf, type Seat } from "../model/records.ts";
import { nameOfError } from "../model/settling.ts";
import { BatchLoop } from "./batch-loop.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import { turns } from "./pace.ts";
import type { Stage } from "./stage.ts";
import type { Line } from "./trace.ts";

/** A call of `next()`. */
interface Pull {
  state: "waiting" | "answered" | "told";
}

/** A call of `takeReady()`. */
interface TakeFacts {
  readonly max: number;
  /** The calls of `next()` that waited when it was made. */
  readonly waiting: readonly Pull[];
  readonly line: Line;
  readonly pulledAt: number;
}

/** Turns of the microtask queue until an answer that was given has been seen. */
const turnsToSee = 20;

/**
 * A subscription the history may open, any number of times: the label of its topic, or a pattern, and its options. The
 * topic of its dead letters is a label too.
 */
export interface GroupSpec {
  readonly topic: string;
  /** `topic` is a pattern over labels, in tokens separated by dots: `*` for one, `>` for the rest. */
  readonly pattern?: boolean;
  readonly options: SourceOptions;
}

interface SubscriberFacts {
  readonly name: string;
  readonly spec: GroupSpec;
  readonly seat: Seat;
  readonly handle: Subscriber;
  readonly connection: ConnectionActor;
}

/** A subscriber of the history, with the loop that runs over it. */
export class SubscriberActor {
  readonly name: string;
  readonly spec: GroupSpec;
  readonly seat: Seat;
  readonly handle: Subscriber;
  readonly connection: ConnectionActor;
  /** Calls of `next()` that were not answered. */
  waiting = 0;
  endedBy: Departure | undefined;
  /** `subscribe()` resolved when its connection was already ending. */
  openedAtEnd = false;
  /** Somebody has ended it, or its connection, in good order: its failure is of no interest any more. */
  left = false;
  /** A loop of batches is at work on it, until then. Never rejects. */
  batching: Promise<void> | undefined;
  readonly #stage: Stage;
  #iterator: SubscriberIterator | BatchLoop | undefined;
  /** Calls of `next()`, those that wait among them. */
  #pulls: Pull[] = [];
  /** Of the last loop over deliveries that ended by `break`. */
  #returned: SubscriberIterator | undefined;
  /** Of the calls that wait, and of those before them. Never rejects. */
  #answers: Promise<void>[] = [];
  #failures = 0;

  constructor(stage: Stage, facts: SubscriberFacts) {
    this.#stage = stage;
    this.name = facts.name;
    this.spec = facts.spec;
    this.seat = facts.seat;
    this.handle = facts.handle;
    this.connection = facts.connection;
  }

  get looping(): boolean {
    return this.#iterator !== undefined;
  }

  get inBatches(): boolean {
    return this.#iterator instanceof BatchLoop;
  }

  /** How long a batch forms at most, in a loop over batches. */
  get batchWaitMs(): number {
    return this.#iterator instanceof BatchLoop ? this.#iterator.maxWaitMs : 0;
  }

  /** Whether a loop over it has ended by `break`. */
  get broken(): boolean {
    return this.#returned !== undefined;
  }

  /** How many of its `next()` rejected. */
  get failures(): number {
    return this.#failures;
  }

  /** Begins a loop over batches. Whoever pulls is given a batch from now on, until the loop ends. */
  beginBatches(options: Required<BatchOptions>): void {
    if (this.looping || this.batching !== undefined || !isBatching(this.handle)) return;
    const { max, maxWaitMs } = options;
    this.#stage.trace.line(`batches of at most ${max} in ${maxWaitMs} ms over ${this.name}`);
    try {
      this.#iterator = new BatchLoop(this.#stage, this.seat, this.handle, options);
    } catch (error) {
      const observed = `a loop over the batches of ${this.name} could not begin: ${nameOfError(error)}`;
      this.#stage.violate(["batches-bounded", "one-iterator"], observed, "after one loop another may begin");
    }
  }

  /** A loop of batches was told of its failure: no next() is, then. */
  told(): void {
    this.#failures += 1;
  }

  pull(): Promise<void> {
    const line = this.#stage.trace.line(`pull ${this.name}`);
    const pulledAt = this.#stage.ledger.event;
    const iterator = this.#loop();
    if (iterator === undefined) return Promise.resolve();
    this.waiting += 1;
    const call: Pull = { state: "waiting" };
    this.#pulls = [...this.#pulls.filter(({ state }) => state !== "told"), call];
    const answered = (): void => {
      this.waiting -= 1;
      call.state = "answered";
    };
    const { told } = this.#stage;
    const tell = async (act: () => void): Promise<void> => {
      await told;
      call.state = "told";
      act();
    };
    const answer = iterator
      .next()
      .finally(answered)
      .then(
        (result) =>
          tell(() => {
            if (result.done === true) this.#ended(iterator, line);
            else this.#took(result.value, line, pulledAt);
          }),
        (error: unknown) => tell(() => this.#failed(error, line)),
      )
      .finally(() => {
        if (iterator instanceof BatchLoop) iterator.noted();
      });
    line.awaits(answer);
    this.#answers.push(answer);
    return answer;
  }

  /** Whether the ledger has still to be told of an answer of next(), given or not. */
  get expecting(): boolean {
    return this.#pulls.some(({ state }) => state !== "told");
  }

  /** The fast path, where there is one. */
  take(max: number): void {
    const iterator = this.#loop();
    if (iterator?.takeReady === undefined) return;
    const line = this.#stage.trace.line(`take up to ${max} from ${this.name}`);
    const pulledAt = this.#stage.ledger.event;
    const taken = iterator.takeReady(max);
    const waiting = this.#pulls.filter(({ state }) => state === "waiting");
    if (taken.length === 0) line.outcome("nothing");
    else if (this.#stage.untold === 0 && this.#stage.subscribers.every((each) => !each.expecting)) {
      this.#tookReady(taken, { max, waiting, line, pulledAt });
    } else {
      // An earlier next() may already be answered. The actor sees that a few turns later.
      const { told } = this.#stage;
      this.#stage.untold += 1;
      this.#stage.told = turns(turnsToSee)
        .then(() => told)
        .then(() => {
          this.#stage.untold -= 1;
          this.#tookReady(taken, { max, waiting, line, pulledAt });
        });
    }
  }

  #tookReady(taken: readonly Message[], call: TakeFacts): void {
    const { max, line, pulledAt } = call;
    const waiting = call.waiting.filter(({ state }) => state === "waiting").length;
    if (taken.length > max || waiting > 0) {
      const observed = `takeReady(${max}) of ${this.name} gave ${taken.length} deliveries with ${waiting} next() waiting`;
      this.#stage.violate(
        ["key-order", "capabilities-match"],
        observed,
        "at most max, and none before a waiting next()",
      );
    }
    for (const message of taken) this.#took(message, line, pulledAt);
  }

  /** `takeReady` with what is no number of deliveries. */
  takeInvalid(max: number): void {
    const iterator = this.#loop();
    if (iterator?.takeReady === undefined) return;
    const line = this.#stage.trace.line(`take up to ${max} from ${this.name}`);
    const pulledAt = this.#stage.ledger.event;
    try {
      const taken = iterator.takeReady(max);
      line.outcome(`${taken.length} deliveries`);
      for (const message of taken) this.#took(message, line, pulledAt);
    } catch (error) {
      line.outcome(nameOfError(error));
      if (isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT")) return;
    }
    const observed = `takeReady(${max}) of ${this.name} did not throw InvalidArgumentError`;
    const laws = ["key-order", "capabilities-match"] as const;
    this.#stage.violate(laws, observed, "max is a whole number of at least 0, or Infinity");
  }

  /** Ends the loop, as `break` does. */
  async breakLoop(): Promise<void> {
    const iterator = this.#iterator;
    if (iterator === undefined) return;
    const laws: LawName[] = [
      "break-loses-nothing",
      ...(this.inBatches ? (["batches-bounded"] as const) : []),
    ];
    this.#iterator = undefined;
    if (!(iterator instanceof BatchLoop)) this.#returned = iterator;
    this.#stage.trace.line(`break the loop over ${this.name}`);
    this.#stage.ledger.broke(this.seat);
    const answers = Promise.all(this.#answers).then(() => undefined);
    await Promise.all([
      this.#stage.track(
        `return() on ${this.name}`,
        laws,
        Promise.resolve(iterator.return()).then(() => undefined),
      ),
      this.#stage.track(`a next() of ${this.name} that waited when its loop ended`, laws, answers),
    ]).catch((error: unknown) => {
      this.#stage.violate(
        laws,
        `return() on ${this.name} rejected with ${nameOfError(error)}`,
        "it resolves",
      );
    });
  }

  /** Asks the iterator of a loop that has ended: it is over, and touches nothing. */
  async pullReturned(): Promise<void> {
    const iterator = this.#returned;
    if (iterator === undefined) return;
    const line = this.#stage.trace.line(`pull from the loop over ${this.name} that was broken`);
    const pulledAt = this.#stage.ledger.event;
    const laws = ["one-iterator", "break-loses-nothing"] as const;
    const taken = iterator.takeReady?.(1) ?? [];
    const answer = iterator.next();
    line.awaits(answer);
    const calls = Promise.all([answer, iterator.return()]).then(([result]) => {
      if (result.done === true) line.outcome("done");
      else taken.push(result.value);
    });
    for (const message of taken) this.#took(message, line, pulledAt);
    const seen = taken.length;
    await this.#stage.track(`next() of a loop over ${this.name} that has ended`, laws, calls);
    for (const message of taken.slice(seen)) this.#took(message, line, pulledAt);
    if (taken.length === 0) return;
    const observed = `an iterator of ${this.name} that was returned gave ${taken.length} deliveries`;
    this.#stage.violate(laws, observed, "after return() it gives none");
  }

  async close(way: "close" | "dispose" = "close"): Promise<void> {
    const line = this.#stage.trace.line(way === "close" ? `close ${this.name}` : `dispose of ${this.name}`);
    this.left = true;
    this.#stage.ledger.leaving(this.seat, "close");
    const answers = Promise.all(this.#answers).then(() => undefined);
    void this.#stage.track(
      `a next() of ${this.name} that waited when it was closed`,
      this.inBatches ? ["quiet-after-close", "batches-bounded"] : ["quiet-after-close"],
      answers,
    );
    const laws = ["close-returns-unsettled", "quiet-after-close"] as const;
    try {
      const answer =
        way === "close" ? this.handle.close() : Promise.resolve(this.handle[Symbol.asyncDispose]());
      line.awaits(answer);
      await this.#stage.track(`${way}() of ${this.name}`, laws, answer);
    } catch (error) {
      const observed = `${way}() of ${this.name} rejected with ${nameOfError(error)}`;
      this.#stage.violate(laws, observed, "it resolves");
    }
    this.endedBy ??= "close";
    this.#stage.ledger.left(this.seat, "close");
  }

  /** Goes on fetching, where that was held. */
  resume(): void {
    if (this.seat.flow === "on" || !isPausable(this.handle)) return;
    this.#stage.trace.line(`resume ${this.name}`);
    this.#stage.ledger.resumed(this.seat);
    this.handle.resume();
    this.#checkPaused(false);
  }

  pause(): void {
    if (!isPausable(this.handle)) return;
    this.#stage.trace.line(`pause ${this.name}`);
    this.#stage.ledger.pausing(this.seat);
    this.handle.pause();
    this.#checkPaused(true);
  }

  #checkPaused(expected: boolean): void {
    if (!isPausable(this.handle) || this.handle.paused === expected) return;
    const observed = `${this.name} says paused = ${this.handle.paused}`;
    const call = expected ? "pause()" : "resume()";
    this.#stage.violate(["pause-holds"], observed, `it is ${expected} after ${call}`);
  }

  /** Resolves when the ledger knows the answers of all pulls so far; those of a loop that was left are given. */
  async heard(): Promise<void> {
    await Promise.all(this.#answers);
  }

  /** Resolves when a pull that waits is answered. */
  firstAnswer(): Promise<void> {
    return this.waiting === 0 ? Promise.resolve() : Promise.race(this.#answers.slice(-this.waiting));
  }

  #loop(): SubscriberIterator | BatchLoop | undefined {
    if (this.#iterator !== undefined) return this.#iterator;
    try {
      this.#iterator = this.handle[Symbol.asyncIterator]();
    } catch (error) {
      const observed = `a loop over ${this.name} could not begin: ${nameOfError(error)}`;
      this.#stage.violate(
        ["one-iterator", "break-loses-nothing"],
        observed,
        "after one loop another may begin",
      );
    }
    return this.#iterator;
  }

  #took(given: Message | readonly Message[], line: Line, pulledAt: number): void {
    const messages = "length" in given ? given : [given];
    for (const message of messages) this.#tookOne(message, line, pulledAt);
  }

  #tookOne(message: Message, line: Line, pulledAt: number): void {
    const delivery = this.#stage.ledger.delivered(this.seat, message, pulledAt);
    line.outcome(delivery === undefined ? "a message that does not belong here" : nameOf(delivery));
    if (delivery === undefined) void message.ack().catch(() => undefined);
  }

  #ended(iterator: SubscriberIterator | BatchLoop, line: Line): void {
    line.outcome("done");
    if (this.seat.state !== "open") this.#stage.judged(["quiet-after-close"]);
    if (this.seat.state !== "open" || iterator !== this.#iterator) return;
    const observed = `the iteration of ${this.name} ended, and nobody ended it`;
    this.#stage.violate(
      ["conservation", "close-returns-unsettled"],
      observed,
      "it goes on until it is closed",
    );
  }

  #failed(error: unknown, line: Line): void {
    line.outcome(nameOfError(error));
    this.#failures += 1;
    if (this.seat.state !== "open") this.#stage.judged(["quiet-after-close"]);
    const crashed = this.endedBy === "crash" || this.seat.state === "closing";
    if (crashed && this.#failures === 1 && isTidelaneError(error)) return;
    const observed = `next() of ${this.name} rejected with ${nameOfError(error)}`;
    const expected = crashed ? "the failure is reported once" : "next() resolves";
    this.#stage.violate(["quiet-after-close", "conservation"], observed, expected);
  }
}
