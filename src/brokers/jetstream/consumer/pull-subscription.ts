import { Outlet } from "../../../structures/outlet.ts";
import type { ClientMessage } from "../../nats/client.ts";
import { RequestFault } from "../../nats/errors.ts";
import { Alarm } from "../../shared/alarm.ts";
import type { BatchSupply } from "../../shared/batches.ts";
import {
  type AckFacts,
  answers,
  isRequeue,
  readAckSubject,
  send,
  takesReasons,
  tell,
} from "../message/ack.ts";
import { type Holder, JetStreamMessage, lostError } from "../message/message.ts";
import { LateSettles } from "./deferred-acks.ts";
import { Deliveries } from "./deliveries.ts";
import type { FeedHooks, FeedPlace } from "./pull-context.ts";
import { Pulls } from "./pull-requests.ts";
import type { Returning } from "./recovery/nak-unheld.ts";
import { Progress } from "./recovery/progress.ts";
import { RecentAcks } from "./recovery/recent-acks.ts";
import { Comeback } from "./recovery/redelivery.ts";

/** A request for messages lives so long. */
const requestMs = 30_000;

/**
 * From the consumer on the server to the loop that takes: asks for as many messages as there is demand and room for,
 * keeps what has come, and answers for it.
 */
export class Feed implements Holder, BatchSupply<JetStreamMessage> {
  readonly outlet: Outlet<JetStreamMessage>;
  readonly #place: FeedPlace;
  readonly #deliveries: Deliveries;
  readonly #pulls: Pulls;
  readonly #late = new LateSettles();
  readonly #acks = new RecentAcks();
  readonly #alarm: Alarm;
  /** Kept for a consumer of our own only. */
  #progress: Progress | undefined;
  #paused = false;
  /** The consumer is being looked after. */
  #held = false;
  /**
   * Whether what is settled has a place to go to. Not from a loss until the consumer is found again: a server that was
   * restarted takes connections before its consumers are back, and an ack that comes in between is dropped unseen.
   */
  #reachable = true;
  #closed = false;
  /** The consumer sequence that comes next; undefined where nobody knows, and others may read too. */
  #expected: number | undefined = undefined;
  readonly #comeback = new Comeback();
  readonly #hooks: FeedHooks;
  /** Answers are due there once nothing comes any more. Filled from the end on. */
  readonly #strays: string[] = [];
  /** A look at the demand is due at the end of this turn of promises. */
  #planned = false;

  constructor(place: FeedPlace, hooks: FeedHooks) {
    this.#place = place;
    const { session, consumer, settings } = place;
    const { link } = session;
    const { clock, inboxPrefix } = session.settings;
    this.#deliveries = new Deliveries(consumer.ackDeadlineMs);
    this.#alarm = new Alarm(clock, () => this.#onAlarm());
    this.#hooks = hooks;
    this.#pulls = new Pulls(
      { link, clock, inboxPrefix, heartbeatMs: settings.heartbeatMs },
      {
        deliver: (message) => this.#deliver(message),
        spent: () => {
          this.#bringInRest();
          this.#plan();
        },
        idle: () => void this.#bringInRest(),
        deleted: () => this.#trouble("it was deleted", true),
        trouble: (reason) => this.#trouble(reason),
        hopeless: (reason) => hooks.hopeless(reason),
      },
    );
    this.outlet = new Outlet(consumer.filter, {
      take: (max) => this.#take(max),
      wanted: () => this.#topUp(),
    });
    this.start();
  }

  get confirmAcks(): boolean {
    return this.#place.settings.confirmAcks;
  }

  get takesReasons(): boolean {
    return takesReasons(this.#place.session.link.version);
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** What was asked for and is still on its way is taken in; nothing more is asked for. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    // Requests that nobody waits for are dropped by the server.
    if (this.#place.session.link.up) {
      this.#pulls.drain().catch(() => {});
      this.#place.consumer.dropDeadRequests();
    } else this.#pulls.cut();
    this.#pulls.open();
  }

  resume(): void {
    this.#paused = false;
    this.#topUp();
  }

  /** With a consumer that was made now. */
  start(): void {
    const { consumer } = this.#place;
    this.#expected = undefined;
    this.#comeback.end();
    this.#progress = consumer.isPrivate ? new Progress(consumer.startsAbove) : undefined;
    this.#pulls.open();
  }

  /** Asks for nothing until `go()`. */
  hold(): void {
    this.#held = true;
    this.#pulls.forget();
  }

  /** The consumer has another ack deadline: what is held has it as well. */
  deadlineChanged(): void {
    const { session, consumer, settings } = this.#place;
    this.#deliveries.ackDeadlineMs = consumer.ackDeadlineMs;
    // What the server has given to others meanwhile is not to be extended.
    if (!settings.sole) this.#expire(session.settings.clock.now());
    this.#onAlarm();
  }

  holds(sequence: number): boolean {
    return this.#deliveries.holds(sequence);
  }

  /** Nothing that was asked for up to now is taken in. */
  renew(): void {
    this.hold();
    this.#expected = undefined;
    this.#pulls.renew();
  }

  /** From here on a delivery that is not the next one of the consumer means that one is missing. */
  expect(returning: Returning): void {
    this.#expected = returning.next;
    this.#comeback.begin(returning, this.#deliveries.unsettled);
    if (returning.count === 0) this.#bringInAll();
  }

  go(): void {
    this.#held = false;
    this.#plan();
  }

  /** Everything unsettled is lost, and what is on its way is not taken in. */
  cut(reason: string, cause?: unknown): void {
    this.#pulls.cut();
    this.#acks.clear();
    this.#loseAll(reason, cause);
  }

  /** The consumer is gone, with what it knew. Gives where a new one of our own has to start, so that nothing is left out. */
  restart(reason: string): number {
    this.#acks.clear();
    this.#loseAll(reason);
    return this.#progress?.restart() ?? 1;
  }

  lost(): void {
    this.#reachable = false;
    this.#acks.lost();
    this.#pulls.forget();
  }

  restored(): void {
    this.#place.consumer.dropDeadRequests();
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

  /** Over. With a connection, what is unsettled goes back; resolves when it was sent. */
  async close(reason: string, cause?: unknown): Promise<void> {
    this.#closed = true;
    this.#alarm.cancel();
    const unsettled = this.#loseAll(reason, cause).filter(({ settled }) => !settled);
    this.#strays.push(...unsettled.map(({ answerSubject }) => answerSubject));
    const { session, consumer } = this.#place;
    if (!session.link.up) {
      this.#pulls.cut();
      return;
    }
    // n.b. what anybody has given back while our requests stand comes to us; what comes back in the very moment they go,
    // a server before 2.10 loses count of: see `dropDeadRequests()`. So there is time for the one first, and for the other
    // last.
    if (this.#pulls.outstanding > 0) await session.link.flush().catch(() => {});
    const drained = this.#pulls.drain();
    consumer.dropDeadRequests();
    await drained;
    if (!consumer.isPrivate)
      for (const subject of this.#strays) tell(this.#place.session.link, subject, answers.requeue);
  }

  iterate(): ReturnType<Outlet<JetStreamMessage>["iterate"]> {
    return this.outlet.iterate();
  }

  giveBack(messages: readonly JetStreamMessage[]): void {
    this.#deliveries.giveBack(messages);
    this.#arm();
  }

  isLive(message: JetStreamMessage): boolean {
    return message.lost === undefined;
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
    this.#hooks.suspect();
    session.link.publish(message.answerSubject, answers.extend);
    this.#deliveries.extend(message, session.settings.clock.now());
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
    this.#plan();
  }

  #deliver(client: ClientMessage): void {
    const facts = readAckSubject(client.reply);
    if (facts === undefined) return;
    const { session, settings } = this.#place;
    if (this.#isOutOfTurn(facts)) return;
    const comesAgain = this.#comeback.counts(facts.sequence);
    if (!comesAgain && !this.#bringInRest()) return;
    const isDone =
      this.#acks.cameAgain(facts) || this.#progress?.delivered(facts.sequence, facts.deliveries) === false;
    if (isDone) {
      tell(this.#place.session.link, client.reply ?? "", answers.ack);
      this.#bringInAll();
      this.#plan();
      return;
    }
    if (this.#closed) {
      this.#strays.push(client.reply ?? "");
      return;
    }
    const now = session.settings.clock.now();
    if (facts.deliveries > 1) this.#hooks.suspect();
    if (!settings.sole) this.#expire(now);
    if (this.#deliveries.renew(facts, client.reply ?? "", now)) return;
    if (this.#deliveries.unsettled >= this.#bound) {
      tell(this.#place.session.link, client.reply ?? "", answers.requeue);
      return;
    }
    const message = new JetStreamMessage(client, facts, this);
    if (comesAgain) this.#deliveries.addAside(message, now);
    else this.#deliveries.add(message, now);
    this.#bringInAll();
    // Nobody takes what waits aside, and so nobody asks for the rest.
    if (comesAgain) this.#plan();
    this.#late.sweep();
    this.#arm();
    this.outlet.serve();
  }

  /** What may be unsettled here at most. */
  get #bound(): number {
    return this.#comeback.bound(this.#place.settings.maxInFlight);
  }

  /** Once all of it has come. */
  #bringInAll(): void {
    if (this.#comeback.isComplete()) this.#bringIn();
  }

  /** The server has no more of it to deliver. False: what is missing is taken back once more. */
  #bringInRest(): boolean {
    const missing = this.#comeback.shortfall();
    if (missing !== undefined) this.#trouble(missing);
    else this.#bringIn();
    return missing === undefined;
  }

  #bringIn(): void {
    if (!this.#comeback.end()) return;
    this.#deliveries.bringIn();
    this.outlet.serve();
  }

  /** It is left alone, and comes again with what is missing, once the consumer was looked after. */
  #isOutOfTurn({ consumerSequence, sequence }: AckFacts): boolean {
    if (this.#expected === undefined || this.#closed) return false;
    const hasRoom = this.#deliveries.unsettled < this.#bound || this.#deliveries.holds(sequence);
    if (consumerSequence === this.#expected && hasRoom) {
      this.#expected += 1;
      return false;
    }
    this.#trouble(
      hasRoom ? `its delivery ${this.#expected} did not come` : "more came than there is room for",
    );
    return true;
  }

  #take(max: number): JetStreamMessage[] {
    const taken = this.#deliveries.take(max);
    if (taken.length > 0) this.#plan();
    return taken;
  }

  #plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      this.#topUp();
    });
  }

  /** Asks for more where a loop is at work, less than half of what may wait here is here or on its way, and there is room. */
  #topUp(): void {
    if (this.#closed || this.#held || this.#paused || !this.outlet.active) return;
    const { session, consumer, settings } = this.#place;
    if (!session.link.up) return;
    const { outstanding } = this.#pulls;
    const ahead = this.#deliveries.buffered - this.#deliveries.aside + outstanding;
    if (ahead > settings.prefetch / 2) return;
    const room = this.#bound - this.#deliveries.unsettled - outstanding;
    const batch = Math.min(settings.prefetch - ahead, room, consumer.maxBatch);
    if (batch < 1) return;
    this.#pulls.request(consumer.nextSubject, batch, Math.min(requestMs, consumer.maxExpiresMs));
  }

  #trouble(reason: string, wasDeleted = false): void {
    if (!this.#closed && !this.#held) this.#hooks.trouble(reason, wasDeleted);
  }

  #onAlarm(): void {
    const { session } = this.#place;
    const now = session.settings.clock.now();
    // What waits here for a loop that is at work is the loop's fault, not the message's.
    if (this.outlet.active && !this.#paused)
      for (const message of this.#deliveries.untaken()) this.extend(message);
    if (this.#place.settings.sole && this.#deliveries.due <= now) {
      // n.b. one that comes again comes after those behind it, unless they do too.
      this.#loseAll(`one before it, or it, was not settled within ${this.#place.consumer.ackDeadlineMs} ms`);
      this.#expected = undefined;
      this.#trouble("an ack deadline has passed");
      return;
    }
    this.#expire(now);
    this.#arm();
  }

  #expire(now: number): void {
    if (this.#deliveries.expire(now).length === 0) return;
    this.#late.sweep();
    this.#plan();
  }

  #arm(): void {
    const { due, buffered } = this.#deliveries;
    if (due === Number.POSITIVE_INFINITY) return;
    this.#alarm.at(due);
    const { clock } = this.#place.session.settings;
    if (buffered > 0) this.#alarm.at(clock.now() + this.#place.consumer.ackDeadlineMs / 3);
  }

  #loseAll(reason: string, cause?: unknown): JetStreamMessage[] {
    const all = this.#deliveries.loseAll(reason, cause);
    this.#late.sweep();
    return all;
  }
}
