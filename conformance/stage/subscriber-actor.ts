import {
  isTidelaneError,
  type Message,
  type Subscriber,
  type SubscriberIterator,
} from "../../src/traits/index.ts";
import { isPausable } from "../abilities.ts";
import type { SourceOptions } from "../fixture.ts";
import type { Departure } from "../model/holdings.ts";
import { nameOf, type Seat } from "../model/records.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import type { Stage } from "./stage.ts";
import type { Line } from "./trace.ts";

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
  readonly #stage: Stage;
  #iterator: SubscriberIterator | undefined;
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

  pull(): Promise<void> {
    const line = this.#stage.trace.line(`pull ${this.name}`);
    const pulledAt = this.#stage.ledger.event;
    const iterator = this.#loop();
    if (iterator === undefined) return Promise.resolve();
    this.waiting += 1;
    const answered = (): void => {
      this.waiting -= 1;
    };
    const answer = iterator
      .next()
      .finally(answered)
      .then(
        (result) =>
          result.done === true ? this.#ended(iterator, line) : this.#took(result.value, line, pulledAt),
        (error: unknown) => this.#failed(error, line),
      );
    this.#answers.push(answer);
    return answer;
  }

  /** The fast path, where there is one. */
  take(max: number): void {
    const iterator = this.#loop();
    if (iterator?.takeReady === undefined) return;
    const line = this.#stage.trace.line(`take up to ${max} from ${this.name}`);
    const pulledAt = this.#stage.ledger.event;
    const overtakes = this.waiting > 0;
    const taken = iterator.takeReady(max);
    if (taken.length === 0) line.outcome("nothing");
    if (taken.length > max || (overtakes && taken.length > 0)) {
      const observed = `takeReady(${max}) of ${this.name} gave ${taken.length} deliveries with ${this.waiting} next() waiting`;
      this.#stage.violate(
        ["key-order", "capabilities-match"],
        observed,
        "at most max, and none before a waiting next()",
      );
    }
    for (const message of taken) this.#took(message, line, pulledAt);
  }

  /** Ends the loop, as `break` does. */
  async breakLoop(): Promise<void> {
    const iterator = this.#iterator;
    if (iterator === undefined) return;
    this.#iterator = undefined;
    this.#stage.trace.line(`break the loop over ${this.name}`);
    this.#stage.ledger.broke(this.seat);
    const laws = ["break-loses-nothing"] as const;
    const answers = Promise.all(this.#answers).then(() => undefined);
    await Promise.all([
      this.#stage.track(
        `return() on ${this.name}`,
        laws,
        iterator.return().then(() => undefined),
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

  async close(): Promise<void> {
    this.#stage.trace.line(`close ${this.name}`);
    this.#stage.ledger.leaving(this.seat, "close");
    const answers = Promise.all(this.#answers).then(() => undefined);
    void this.#stage.track(
      `a next() of ${this.name} that waited when it was closed`,
      ["quiet-after-close"],
      answers,
    );
    try {
      await this.#stage.track(`close() of ${this.name}`, ["close-returns-unsettled"], this.handle.close());
    } catch (error) {
      const observed = `close() of ${this.name} rejected with ${nameOfError(error)}`;
      this.#stage.violate(["close-returns-unsettled", "quiet-after-close"], observed, "it resolves");
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
  }

  pause(): void {
    if (!isPausable(this.handle)) return;
    this.#stage.trace.line(`pause ${this.name}`);
    this.#stage.ledger.pausing(this.seat);
    this.handle.pause();
  }

  /** Asks for a second iterator beside the one that is active. */
  secondLoop(): void {
    if (this.#iterator === undefined) return;
    const line = this.#stage.trace.line(`a second loop over ${this.name}`);
    try {
      const second = this.handle[Symbol.asyncIterator]();
      line.outcome("began");
      void second.return();
    } catch (error) {
      line.outcome(nameOfError(error));
      if (isTidelaneError(error, "TIDELANE_SUBSCRIBER_BUSY")) return;
    }
    const observed = `a second iterator of ${this.name} did not throw SubscriberBusyError`;
    this.#stage.violate(["one-iterator"], observed, "one iterator at a time");
  }

  /** Resolves when a pull that waits is answered. */
  firstAnswer(): Promise<void> {
    return this.waiting === 0 ? Promise.resolve() : Promise.race(this.#answers.slice(-this.waiting));
  }

  #loop(): SubscriberIterator | undefined {
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

  #took(message: Message, line: Line, pulledAt: number): void {
    const delivery = this.#stage.ledger.delivered(this.seat, message, pulledAt);
    line.outcome(delivery === undefined ? "a message that does not belong here" : nameOf(delivery));
    if (delivery === undefined) void message.ack().catch(() => undefined);
  }

  #ended(iterator: SubscriberIterator, line: Line): void {
    line.outcome("done");
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
    const crashed = this.endedBy === "crash" || this.seat.state === "closing";
    if (crashed && this.#failures === 1 && isTidelaneError(error)) return;
    const observed = `next() of ${this.name} rejected with ${nameOfError(error)}`;
    const expected = crashed ? "the failure is reported once" : "next() resolves";
    this.#stage.violate(["quiet-after-close", "conservation"], observed, expected);
  }
}
