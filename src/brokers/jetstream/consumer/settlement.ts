import { RequestFault } from "../../nats/errors.ts";
import { acks, type DeliveryInfo, isNak, sendAck, supportsTermReason } from "../message/ack.ts";
import { type AckSender, type JetStreamMessage, lostError } from "../message/message.ts";
import { DeferredAcks } from "./deferred-acks.ts";
import type { Deliveries } from "./deliveries.ts";
import type { PullContext } from "./pull-context.ts";
import { Progress } from "./recovery/progress.ts";
import { RecentAcks } from "./recovery/recent-acks.ts";

/** What follows from a settle. None of these may throw. */
export interface SettlementEvents {
  /** There is room for another delivery. */
  settled(): void;
  /** A delivery is held for long: the consumer may have been changed. */
  mayHaveChanged(): void;
}

/** Sends the acks of a subscription, and remembers those that the server may not have, or may forget. */
export class Settlement implements AckSender {
  readonly #context: PullContext;
  readonly #deliveries: Deliveries;
  readonly #events: SettlementEvents;
  readonly #deferred = new DeferredAcks();
  readonly #acks = new RecentAcks();
  /** Kept for a consumer of our own only. */
  #progress: Progress | undefined;
  /**
   * Whether what is settled has a place to go to. Not from a loss until the consumer is found again: a server that was
   * restarted takes connections before its consumers are back, and an ack that comes in between is dropped unseen.
   */
  #reachable = true;

  constructor(context: PullContext, deliveries: Deliveries, events: SettlementEvents) {
    this.#context = context;
    this.#deliveries = deliveries;
    this.#events = events;
  }

  get confirmAcks(): boolean {
    return this.#context.settings.confirmAcks;
  }

  get takesReasons(): boolean {
    return supportsTermReason(this.#context.connection.server.version);
  }

  settle(message: JetStreamMessage, ack: Uint8Array): Promise<void> | void {
    if (!this.#context.connection.server.up || !this.#reachable) return this.#deferred.defer(message, ack);
    this.#send(message, ack);
  }

  async confirm(message: JetStreamMessage): Promise<void> {
    const { connection, confirmMs } = this.#context;
    try {
      const call = { subject: message.ackSubject, payload: acks.ack, timeoutMs: confirmMs };
      await connection.requests.send({ ...call, what: "The confirmation of an ack", repeatable: true });
    } catch (error) {
      if (message.lost) throw message.lost;
      throw error instanceof RequestFault ? lostError(message, error) : error;
    }
    this.#settled(message, acks.ack);
  }

  extend(message: JetStreamMessage): void {
    const { connection } = this.#context;
    if (!connection.server.up || !this.#deliveries.has(message)) return;
    this.#events.mayHaveChanged();
    connection.server.publish(message.ackSubject, acks.inProgress);
    this.#deliveries.extend(message, connection.settings.clock.now());
  }

  /** With a consumer that was made now. */
  start(): void {
    const { consumer } = this.#context;
    this.#progress = consumer.isEphemeral ? new Progress(consumer.deliveredUpTo) : undefined;
  }

  /** Notes a delivery. Whether it was settled before, so that it only needs an ack. */
  wasSettled(delivery: DeliveryInfo): boolean {
    return (
      this.#acks.cameAgain(delivery) ||
      this.#progress?.delivered(delivery.sequence, delivery.deliveries) === false
    );
  }

  /** The connection is lost: acks wait until the consumer is found again. */
  connectionLost(): void {
    this.#reachable = false;
    this.#acks.connectionLost();
  }

  /** The consumer is there: it is told what was settled meanwhile. */
  consumerFound(): void {
    this.#reachable = true;
    this.#deferred.send((message, ack) => {
      this.#send(message, ack);
      // A server that was killed may have forgotten the delivery itself, and takes no ack for what it has not delivered.
      if (!isNak(ack)) this.#acks.doubt(message.delivery);
    });
  }

  /** Deliveries whose deadline has passed are lost. Whether there were any. */
  expire(now: number): boolean {
    if (this.#deliveries.expire(now).length === 0) return false;
    this.#deferred.rejectLost();
    return true;
  }

  /** Rejects the acks that wait for deliveries that are lost. */
  rejectLost(): void {
    this.#deferred.rejectLost();
  }

  loseAll(reason: string, cause?: unknown): JetStreamMessage[] {
    const all = this.#deliveries.loseAll(reason, cause);
    this.#deferred.rejectLost();
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

  #send(message: JetStreamMessage, ack: Uint8Array): void {
    try {
      sendAck(this.#context.connection.server, message.ackSubject, ack);
    } catch (error) {
      throw lostError(message, error);
    }
    this.#settled(message, ack);
  }

  #settled(message: JetStreamMessage, ack: Uint8Array): void {
    this.#deliveries.remove(message);
    if (!isNak(ack)) {
      this.#acks.settled(message.delivery);
      this.#progress?.done(message.position);
    }
    this.#events.settled();
  }
}
