import { Outlet } from "../../../structures/outlet.ts";
import type { ClientMessage } from "../../nats/client.ts";
import type { BatchSupply } from "../../shared/batches.ts";
import { acks, type DeliveryInfo, readAckSubject, sendAckIfConnected } from "../message/ack.ts";
import { JetStreamMessage } from "../message/message.ts";
import { AckDeadlines } from "./ack-deadlines.ts";
import { Deliveries } from "./deliveries.ts";
import type { PullContext, PullEvents } from "./pull-context.ts";
import { PullRequests } from "./pull-requests.ts";
import type { ExpectedRedelivery } from "./recovery/nak-unheld.ts";
import { Redelivery } from "./recovery/redelivery.ts";
import { SequenceCheck } from "./recovery/sequence-check.ts";
import { Settlement } from "./settlement.ts";

/** A request for messages lives so long. */
const requestMs = 30_000;

/**
 * From the consumer on the server to the loop that takes: asks for as many messages as there is demand and room for,
 * keeps what has come, and answers for it.
 */
export class PullSubscription implements BatchSupply<JetStreamMessage> {
  readonly outlet: Outlet<JetStreamMessage>;
  readonly #context: PullContext;
  readonly #events: PullEvents;
  readonly #deliveries: Deliveries;
  readonly #settlement: Settlement;
  readonly #deadlines: AckDeadlines;
  readonly #requests: PullRequests;
  readonly #redelivery: Redelivery;
  readonly #sequence = new SequenceCheck();
  #paused = false;
  /** The consumer is being looked after. */
  #held = false;
  #closed = false;
  /** Answers are due there once nothing comes any more. Filled from the end on. */
  readonly #lateAckSubjects: string[] = [];
  /** A look at the demand is due at the end of this turn of promises. */
  #planned = false;

  constructor(context: PullContext, events: PullEvents) {
    this.#context = context;
    this.#events = events;
    const { connection, consumer, settings } = context;
    const { server } = connection;
    const { clock, inboxPrefix } = connection.settings;
    this.#deliveries = new Deliveries(consumer.ackDeadlineMs);
    this.#redelivery = new Redelivery(this.#deliveries, {
      released: () => this.outlet.serve(),
      missing: (reason) => this.#needsRecovery(reason),
    });
    this.#settlement = new Settlement(context, this.#deliveries, {
      settled: () => this.#plan(),
      mayHaveChanged: () => events.mayHaveChanged(),
    });
    this.#deadlines = new AckDeadlines(context, this.#deliveries, this.#settlement, {
      isConsumed: () => this.outlet.active && !this.#paused,
      expired: () => this.#plan(),
      missed: () => {
        this.#sequence.end();
        this.#needsRecovery("an ack deadline has passed");
      },
    });
    this.#requests = new PullRequests(
      { server, clock, inboxPrefix, heartbeatMs: settings.heartbeatMs },
      {
        deliver: (message) => this.#deliver(message),
        ended: () => {
          this.#redelivery.releaseRest();
          this.#plan();
        },
        idle: () => void this.#redelivery.releaseRest(),
        deleted: () => this.#needsRecovery("it was deleted", true),
        needsRecovery: (reason) => this.#needsRecovery(reason),
        failed: (reason) => events.failed(reason),
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
    if (this.#context.connection.server.up) {
      this.#requests.drain().catch(() => {});
      this.#context.consumer.pruneRequests();
    } else this.#requests.discard();
    this.#requests.open();
  }

  resume(): void {
    this.#paused = false;
    this.#topUp();
  }

  /** With a consumer that was made now. */
  start(): void {
    this.#sequence.end();
    this.#redelivery.end();
    this.#settlement.start();
    this.#requests.open();
  }

  /** Asks for nothing until `proceed()`. */
  suspend(): void {
    this.#held = true;
    this.#requests.forget();
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
    this.suspend();
    this.#sequence.end();
    this.#requests.resubscribe();
  }

  /** From here on a delivery that is not the next one of the consumer means that one is missing. */
  expectRedelivery(returning: ExpectedRedelivery): void {
    this.#sequence.begin(returning.next);
    this.#redelivery.begin(returning);
  }

  proceed(): void {
    this.#held = false;
    this.#plan();
  }

  /** Everything unsettled is lost, and what is on its way is not taken in. */
  discard(reason: string, cause?: unknown): void {
    this.#requests.discard();
    this.#settlement.reset(reason, cause);
  }

  /** The consumer is gone, with what it knew. Gives where a new one of our own has to start, so that nothing is left out. */
  restart(reason: string): number {
    this.#settlement.reset(reason);
    return this.#settlement.restart();
  }

  connectionLost(): void {
    this.#settlement.connectionLost();
    this.#requests.forget();
  }

  connectionRestored(): void {
    this.#context.consumer.pruneRequests();
  }

  /** The consumer is there: it is told what was settled meanwhile. */
  consumerFound(): void {
    this.#settlement.consumerFound();
  }

  /** Over. With a connection, what is unsettled goes back; resolves when it was sent. */
  async close(reason: string, cause?: unknown): Promise<void> {
    this.#closed = true;
    this.#deadlines.cancel();
    const unsettled = this.#settlement.loseAll(reason, cause).filter(({ settled }) => !settled);
    this.#lateAckSubjects.push(...unsettled.map(({ ackSubject: answerSubject }) => answerSubject));
    const { connection, consumer } = this.#context;
    if (!connection.server.up) {
      this.#requests.discard();
      return;
    }
    // n.b. what anybody has given back while our requests stand comes to us; what comes back in the very moment they go,
    // a server before 2.10 loses count of: see `pruneRequests()`. So there is time for the one first, and for the other
    // last.
    if (this.#requests.outstanding > 0) await connection.server.flush().catch(() => {});
    const drained = this.#requests.drain();
    consumer.pruneRequests();
    await drained;
    if (!consumer.isEphemeral)
      for (const subject of this.#lateAckSubjects)
        sendAckIfConnected(this.#context.connection.server, subject, acks.nak);
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
    const delivery = readAckSubject(client.reply);
    if (delivery === undefined) return;
    const { connection, settings } = this.#context;
    if (this.#isOutOfTurn(delivery)) return;
    const comesAgain = this.#redelivery.accepts(delivery.sequence);
    if (!comesAgain && !this.#redelivery.releaseRest()) return;
    if (this.#settlement.wasSettled(delivery)) {
      sendAckIfConnected(this.#context.connection.server, client.reply ?? "", acks.ack);
      this.#redelivery.releaseIfComplete();
      this.#plan();
      return;
    }
    if (this.#closed) {
      this.#lateAckSubjects.push(client.reply ?? "");
      return;
    }
    const now = connection.settings.clock.now();
    if (delivery.deliveries > 1) this.#events.mayHaveChanged();
    if (!settings.sole) this.#deadlines.expire(now);
    if (this.#deliveries.renew(delivery, client.reply ?? "", now)) return;
    if (this.#deliveries.unsettled >= this.#limit) {
      sendAckIfConnected(this.#context.connection.server, client.reply ?? "", acks.nak);
      return;
    }
    const message = new JetStreamMessage(client, delivery, this.#settlement);
    if (comesAgain) this.#deliveries.addHeldBack(message, now);
    else this.#deliveries.add(message, now);
    this.#redelivery.releaseIfComplete();
    // Nobody takes what waits aside, and so nobody asks for the rest.
    if (comesAgain) this.#plan();
    this.#settlement.rejectLost();
    this.#deadlines.arm();
    this.outlet.serve();
  }

  /** What may be unsettled here at most. */
  get #limit(): number {
    return this.#redelivery.limit(this.#context.settings.maxInFlight);
  }

  /** It is left alone, and comes again with what is missing, once the consumer was looked after. */
  #isOutOfTurn({ consumerSequence, sequence }: DeliveryInfo): boolean {
    if (this.#closed) return false;
    const hasRoom = this.#deliveries.unsettled < this.#limit || this.#deliveries.holds(sequence);
    const fault = this.#sequence.fault(consumerSequence, hasRoom);
    if (fault !== undefined) this.#needsRecovery(fault);
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
    const { connection, consumer, settings } = this.#context;
    if (!connection.server.up) return;
    const { outstanding } = this.#requests;
    const ahead = this.#deliveries.buffered - this.#deliveries.heldBack + outstanding;
    if (ahead > settings.prefetch / 2) return;
    const room = this.#limit - this.#deliveries.unsettled - outstanding;
    const batch = Math.min(settings.prefetch - ahead, room, consumer.maxBatch);
    if (batch < 1) return;
    this.#requests.request(consumer.nextSubject, batch, Math.min(requestMs, consumer.maxExpiresMs));
  }

  #needsRecovery(reason: string, wasDeleted = false): void {
    if (!this.#closed && !this.#held) this.#events.needsRecovery(reason, wasDeleted);
  }
}
