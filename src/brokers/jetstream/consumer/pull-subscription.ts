import { Outlet } from "../../../structures/outlet.ts";
import type { ClientMessage } from "../../nats/client.ts";
import type { BatchSupply } from "../../shared/batches.ts";
import { type AckFacts, answers, readAckSubject, tell } from "../message/ack.ts";
import { JetStreamMessage } from "../message/message.ts";
import { AckDeadlines } from "./ack-deadlines.ts";
import { Deliveries } from "./deliveries.ts";
import type { FeedHooks, FeedPlace } from "./pull-context.ts";
import { Pulls } from "./pull-requests.ts";
import type { Returning } from "./recovery/nak-unheld.ts";
import { Comeback } from "./recovery/redelivery.ts";
import { SequenceCheck } from "./recovery/sequence-check.ts";
import { Settlement } from "./settlement.ts";

/** A request for messages lives so long. */
const requestMs = 30_000;

/**
 * From the consumer on the server to the loop that takes: asks for as many messages as there is demand and room for,
 * keeps what has come, and answers for it.
 */
export class Feed implements BatchSupply<JetStreamMessage> {
  readonly outlet: Outlet<JetStreamMessage>;
  readonly #place: FeedPlace;
  readonly #hooks: FeedHooks;
  readonly #deliveries: Deliveries;
  readonly #settlement: Settlement;
  readonly #deadlines: AckDeadlines;
  readonly #pulls: Pulls;
  readonly #comeback: Comeback;
  readonly #sequence = new SequenceCheck();
  #paused = false;
  /** The consumer is being looked after. */
  #held = false;
  #closed = false;
  /** Answers are due there once nothing comes any more. Filled from the end on. */
  readonly #strays: string[] = [];
  /** A look at the demand is due at the end of this turn of promises. */
  #planned = false;

  constructor(place: FeedPlace, hooks: FeedHooks) {
    this.#place = place;
    this.#hooks = hooks;
    const { session, consumer, settings } = place;
    const { link } = session;
    const { clock, inboxPrefix } = session.settings;
    this.#deliveries = new Deliveries(consumer.ackDeadlineMs);
    this.#comeback = new Comeback(this.#deliveries, {
      released: () => this.outlet.serve(),
      missing: (reason) => this.#trouble(reason),
    });
    this.#settlement = new Settlement(place, this.#deliveries, {
      settled: () => this.#plan(),
      suspect: () => hooks.suspect(),
    });
    this.#deadlines = new AckDeadlines(place, this.#deliveries, this.#settlement, {
      isConsumed: () => this.outlet.active && !this.#paused,
      expired: () => this.#plan(),
      missed: () => {
        this.#sequence.end();
        this.#trouble("an ack deadline has passed");
      },
    });
    this.#pulls = new Pulls(
      { link, clock, inboxPrefix, heartbeatMs: settings.heartbeatMs },
      {
        deliver: (message) => this.#deliver(message),
        spent: () => {
          this.#comeback.releaseRest();
          this.#plan();
        },
        idle: () => void this.#comeback.releaseRest(),
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
    this.#sequence.end();
    this.#comeback.end();
    this.#settlement.start();
    this.#pulls.open();
  }

  /** Asks for nothing until `go()`. */
  hold(): void {
    this.#held = true;
    this.#pulls.forget();
  }

  /** The consumer has another ack deadline: what is held has it as well. */
  deadlineChanged(): void {
    this.#deadlines.changed();
  }

  holds(sequence: number): boolean {
    return this.#deliveries.holds(sequence);
  }

  /** Nothing that was asked for up to now is taken in. */
  renew(): void {
    this.hold();
    this.#sequence.end();
    this.#pulls.renew();
  }

  /** From here on a delivery that is not the next one of the consumer means that one is missing. */
  expect(returning: Returning): void {
    this.#sequence.begin(returning.next);
    this.#comeback.begin(returning);
  }

  go(): void {
    this.#held = false;
    this.#plan();
  }

  /** Everything unsettled is lost, and what is on its way is not taken in. */
  cut(reason: string, cause?: unknown): void {
    this.#pulls.cut();
    this.#settlement.reset(reason, cause);
  }

  /** The consumer is gone, with what it knew. Gives where a new one of our own has to start, so that nothing is left out. */
  restart(reason: string): number {
    this.#settlement.reset(reason);
    return this.#settlement.restart();
  }

  lost(): void {
    this.#settlement.lost();
    this.#pulls.forget();
  }

  restored(): void {
    this.#place.consumer.dropDeadRequests();
  }

  /** The consumer is there: it is told what was settled meanwhile. */
  found(): void {
    this.#settlement.found();
  }

  /** Over. With a connection, what is unsettled goes back; resolves when it was sent. */
  async close(reason: string, cause?: unknown): Promise<void> {
    this.#closed = true;
    this.#deadlines.cancel();
    const unsettled = this.#settlement.loseAll(reason, cause).filter(({ settled }) => !settled);
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
    this.#deadlines.arm();
  }

  isLive(message: JetStreamMessage): boolean {
    return message.lost === undefined;
  }

  #deliver(client: ClientMessage): void {
    const facts = readAckSubject(client.reply);
    if (facts === undefined) return;
    const { session, settings } = this.#place;
    if (this.#isOutOfTurn(facts)) return;
    const comesAgain = this.#comeback.counts(facts.sequence);
    if (!comesAgain && !this.#comeback.releaseRest()) return;
    if (this.#settlement.wasSettled(facts)) {
      tell(this.#place.session.link, client.reply ?? "", answers.ack);
      this.#comeback.releaseIfComplete();
      this.#plan();
      return;
    }
    if (this.#closed) {
      this.#strays.push(client.reply ?? "");
      return;
    }
    const now = session.settings.clock.now();
    if (facts.deliveries > 1) this.#hooks.suspect();
    if (!settings.sole) this.#deadlines.expire(now);
    if (this.#deliveries.renew(facts, client.reply ?? "", now)) return;
    if (this.#deliveries.unsettled >= this.#bound) {
      tell(this.#place.session.link, client.reply ?? "", answers.requeue);
      return;
    }
    const message = new JetStreamMessage(client, facts, this.#settlement);
    if (comesAgain) this.#deliveries.addAside(message, now);
    else this.#deliveries.add(message, now);
    this.#comeback.releaseIfComplete();
    // Nobody takes what waits aside, and so nobody asks for the rest.
    if (comesAgain) this.#plan();
    this.#settlement.sweep();
    this.#deadlines.arm();
    this.outlet.serve();
  }

  /** What may be unsettled here at most. */
  get #bound(): number {
    return this.#comeback.bound(this.#place.settings.maxInFlight);
  }

  /** It is left alone, and comes again with what is missing, once the consumer was looked after. */
  #isOutOfTurn({ consumerSequence, sequence }: AckFacts): boolean {
    if (this.#closed) return false;
    const hasRoom = this.#deliveries.unsettled < this.#bound || this.#deliveries.holds(sequence);
    const fault = this.#sequence.fault(consumerSequence, hasRoom);
    if (fault !== undefined) this.#trouble(fault);
    return fault !== undefined;
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
}
