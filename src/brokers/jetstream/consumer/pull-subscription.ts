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

/** A pull request expires after this time. */
const requestMs = 30_000;

/**
 * Pulls messages from the consumer: sends pull requests for as many as there is demand and room for, and buffers what has
 * come until a loop takes it.
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
  /** The subscriber is finding the consumer again. */
  #suspended = false;
  #closed = false;
  /** Of deliveries to nak once nothing comes any more. Filled from `close()` on. */
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

  /** Sends no pull request until `resume()`. Messages that are on their way are still taken in. */
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

  /** With a consumer that was just created. */
  start(): void {
    this.#sequence.end();
    this.#redelivery.end();
    this.#settlement.start();
    this.#requests.open();
  }

  /** Sends no pull request until `proceed()`. */
  suspend(): void {
    this.#suspended = true;
    this.#requests.forget();
  }

  /** The consumer has another ack deadline: what is held has it as well. */
  deadlineChanged(): void {
    this.#deadlines.changed();
  }

  holds(sequence: number): boolean {
    return this.#deliveries.holds(sequence);
  }

  /** Drops the answers to every pull request sent so far. */
  renew(): void {
    this.suspend();
    this.#sequence.end();
    this.#requests.resubscribe();
  }

  /** From now on, a gap in the consumer sequence means a delivery is missing. */
  expectRedelivery(expected: ExpectedRedelivery): void {
    this.#sequence.begin(expected.next);
    this.#redelivery.begin(expected);
  }

  proceed(): void {
    this.#suspended = false;
    this.#plan();
  }

  /** Everything unsettled is revoked, and what is on its way is not taken in. */
  discard(reason: string, cause?: unknown): void {
    this.#requests.discard();
    this.#settlement.reset(reason, cause);
  }

  /** The consumer is gone. Returns the sequence at which a new ephemeral consumer has to start, so that it skips nothing. */
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

  /** The consumer is there: sends it the acks that waited. */
  consumerFound(): void {
    this.#settlement.consumerFound();
  }

  /** Naks what is unsettled, where there is a connection. Resolves when the naks were sent. */
  async close(reason: string, cause?: unknown): Promise<void> {
    this.#closed = true;
    this.#deadlines.cancel();
    const unsettled = this.#settlement.revokeAll(reason, cause).filter(({ settled }) => !settled);
    this.#lateAckSubjects.push(...unsettled.map(({ ackSubject }) => ackSubject));
    const { connection, consumer } = this.#context;
    if (!connection.server.up) {
      this.#requests.discard();
      return;
    }
    // While our pull requests stand, the server delivers what other members nak to us. A server before 2.10 loses count of
    // a message that is nakked at the moment a request ends: see `pruneRequests()`. So the naks of others get time first,
    // and ours are sent last.
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
    return message.revoked === undefined;
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
    const renewed = this.#deliveries.renew(delivery, client.reply ?? "", now);
    if (renewed !== undefined) {
      this.#settlement.renewed(renewed);
      return;
    }
    if (this.#deliveries.unsettled >= this.#limit) {
      sendAckIfConnected(this.#context.connection.server, client.reply ?? "", acks.nak);
      return;
    }
    const message = new JetStreamMessage(client, delivery, this.#settlement);
    if (comesAgain) this.#deliveries.addHeldBack(message, now);
    else this.#deliveries.add(message, now);
    this.#redelivery.releaseIfComplete();
    // Nobody takes what is held back, so no loop asks for the rest.
    if (comesAgain) this.#plan();
    this.#settlement.rejectRevoked();
    this.#deadlines.arm();
    this.outlet.serve();
  }

  /** What may be unsettled here at most. */
  get #limit(): number {
    return this.#redelivery.limit(this.#context.settings.maxInFlight);
  }

  /** The delivery is ignored: it comes again with those that are missing, once they were nakked. */
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

  /** Sends a pull request if a loop is at work, at most half of `prefetch` is here or on its way, and there is room. */
  #topUp(): void {
    if (this.#closed || this.#suspended || this.#paused || !this.outlet.active) return;
    const { connection, consumer, settings } = this.#context;
    if (!connection.server.up) return;
    const { outstanding } = this.#requests;
    const ahead = this.#deliveries.buffered - this.#deliveries.heldBack + outstanding;
    if (ahead > settings.prefetch / 2) return;
    // What may have to be delivered again takes no second place.
    const unsettled = this.#deliveries.unsettled - this.#settlement.doubtful;
    const room = this.#limit - unsettled - outstanding;
    const batch = Math.min(settings.prefetch - ahead, room, consumer.maxBatch);
    if (batch < 1) return;
    this.#requests.request(consumer.nextSubject, batch, Math.min(requestMs, consumer.maxExpiresMs));
  }

  #needsRecovery(reason: string, wasDeleted = false): void {
    if (!this.#closed && !this.#suspended) this.#events.needsRecovery(reason, wasDeleted);
  }
}
