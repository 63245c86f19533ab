import { RequestFault } from "../../nats/errors.ts";
import { type AckFacts, answers, isRequeue, send, takesReasons } from "../message/ack.ts";
import { type Holder, type JetStreamMessage, lostError } from "../message/message.ts";
import { LateSettles } from "./deferred-acks.ts";
import type { Deliveries } from "./deliveries.ts";
import type { FeedPlace } from "./pull-context.ts";
import { Progress } from "./recovery/progress.ts";
import { RecentAcks } from "./recovery/recent-acks.ts";

/** What follows from a settle. None of these may throw. */
export interface SettlementEvents {
  /** There is room for another delivery. */
  settled(): void;
  /** A delivery is held for long: the consumer may have been changed. */
  suspect(): void;
}

/** Sends the acks of a subscription, and remembers those that the server may not have, or may forget. */
export class Settlement implements Holder {
  readonly #place: FeedPlace;
  readonly #deliveries: Deliveries;
  readonly #events: SettlementEvents;
  readonly #late = new LateSettles();
  readonly #acks = new RecentAcks();
  /** Kept for a consumer of our own only. */
  #progress: Progress | undefined;
  /**
   * Whether what is settled has a place to go to. Not from a loss until the consumer is found again: a server that was
   * restarted takes connections before its consumers are back, and an ack that comes in between is dropped unseen.
   */
  #reachable = true;

  constructor(place: FeedPlace, deliveries: Deliveries, events: SettlementEvents) {
    this.#place = place;
    this.#deliveries = deliveries;
    this.#events = events;
  }

  get confirmAcks(): boolean {
    return this.#place.settings.confirmAcks;
  }

  get takesReasons(): boolean {
    return takesReasons(this.#place.session.link.version);
  }

  settle(message: JetStreamMessage, answer: Uint8Array): Promise<void> | void {
    if (!this.#place.session.link.up || !this.#reachable) return this.#late.hold(message, answer);
    this.#answer(message, answer);
  }

  async confirm(message: JetStreamMessage): Promise<void> {
    const { session, confirmMs } = this.#place;
    try {
      const call = { subject: message.answerSubject, payload: answers.ack, timeoutMs: confirmMs };
      await session.requests.send({ ...call, what: "The confirmation of an ack", repeatable: true });
    } catch (error) {
      if (message.lost) throw message.lost;
      throw error instanceof RequestFault ? lostError(message, error) : error;
    }
    this.#settled(message, answers.ack);
  }

  extend(message: JetStreamMessage): void {
    const { session } = this.#place;
    if (!session.link.up || !this.#deliveries.has(message)) return;
    this.#events.suspect();
    session.link.publish(message.answerSubject, answers.extend);
    this.#deliveries.extend(message, session.settings.clock.now());
  }

  /** With a consumer that was made now. */
  start(): void {
    const { consumer } = this.#place;
    this.#progress = consumer.isPrivate ? new Progress(consumer.startsAbove) : undefined;
  }

  /** Notes a delivery. Whether it was settled before, so that it only needs an ack. */
  wasSettled(facts: AckFacts): boolean {
    return (
      this.#acks.cameAgain(facts) || this.#progress?.delivered(facts.sequence, facts.deliveries) === false
    );
  }

  /** The connection is lost: acks wait until the consumer is found again. */
  lost(): void {
    this.#reachable = false;
    this.#acks.lost();
  }

  /** The consumer is there: it is told what was settled meanwhile. */
  found(): void {
    this.#reachable = true;
    this.#late.send((message, answer) => {
      this.#answer(message, answer);
      // A server that was killed may have forgotten the delivery itself, and takes no ack for what it has not delivered.
      if (!isRequeue(answer)) this.#acks.doubt(message.identity);
    });
  }

  /** Deliveries whose deadline has passed are lost. Whether there were any. */
  expire(now: number): boolean {
    if (this.#deliveries.expire(now).length === 0) return false;
    this.#late.sweep();
    return true;
  }

  /** Rejects the acks that wait for deliveries that are lost. */
  sweep(): void {
    this.#late.sweep();
  }

  loseAll(reason: string, cause?: unknown): JetStreamMessage[] {
    const all = this.#deliveries.loseAll(reason, cause);
    this.#late.sweep();
    return all;
  }

  /** As `loseAll`, and the consumer delivers everything as if for the first time. */
  reset(reason: string, cause?: unknown): void {
    this.#acks.clear();
    this.loseAll(reason, cause);
  }

  /** Where a new consumer of our own has to start, so that nothing is left out. */
  restart(): number {
    return this.#progress?.restart() ?? 1;
  }

  #answer(message: JetStreamMessage, answer: Uint8Array): void {
    try {
      send(this.#place.session.link, message.answerSubject, answer);
    } catch (error) {
      throw lostError(message, error);
    }
    this.#settled(message, answer);
  }

  #settled(message: JetStreamMessage, answer: Uint8Array): void {
    this.#deliveries.remove(message);
    if (!isRequeue(answer)) {
      this.#acks.settled(message.identity);
      this.#progress?.done(message.position);
    }
    this.#events.settled();
  }
}
