import { acks, type DeliveryInfo, isNak, sendAck, supportsTermReason } from "../message/ack.ts";
import { type AckSender, type JetStreamMessage, revokedError } from "../message/message.ts";
import { DeferredAcks } from "./deferred-acks.ts";
import type { Deliveries } from "./deliveries.ts";
import type { PullContext } from "./pull-context.ts";
import { Confirmations } from "./recovery/confirmations.ts";
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
  readonly #confirmations: Confirmations;
  readonly #recentAcks = new RecentAcks();
  /** Of an ephemeral consumer only. */
  #progress: Progress | undefined;
  /**
   * Whether acks reach the consumer. From a lost connection until the consumer is found again they do not: a server that
   * restarts accepts connections before it has restored its consumers, and drops the acks that come in between.
   */
  #reachable = true;

  constructor(context: PullContext, deliveries: Deliveries, events: SettlementEvents) {
    this.#context = context;
    this.#deliveries = deliveries;
    this.#events = events;
    this.#confirmations = new Confirmations(context);
  }

  get confirmAcks(): boolean {
    return this.#context.settings.confirmAcks;
  }

  get supportsTermReason(): boolean {
    return supportsTermReason(this.#context.connection.server.version);
  }

  settle(message: JetStreamMessage, ack: Uint8Array): Promise<void> | void {
    if (!this.#context.connection.server.up || !this.#reachable) return this.#deferred.defer(message, ack);
    this.#send(message, ack);
  }

  async confirm(message: JetStreamMessage): Promise<void> {
    await this.#confirmations.confirm(message, this.#reachable);
    this.#settled(message, acks.ack);
  }

  /** How many wait for the confirmation of an ack, and may have to be delivered again before it comes. */
  get doubtful(): number {
    return this.#confirmations.doubtful;
  }

  extend(message: JetStreamMessage): void {
    const { connection } = this.#context;
    if (!connection.server.up || !this.#deliveries.has(message)) return;
    this.#events.mayHaveChanged();
    connection.server.publish(message.ackSubject, acks.inProgress);
    this.#deliveries.extend(message, connection.settings.clock.now());
  }

  /** With a consumer that was just created. */
  start(): void {
    const { consumer } = this.#context;
    this.#progress = consumer.isEphemeral ? new Progress(consumer.deliveredUpTo) : undefined;
  }

  /** Notes a delivery. Whether it was settled before, so that it only needs an ack. */
  wasSettled(delivery: DeliveryInfo): boolean {
    return (
      this.#recentAcks.cameAgain(delivery) ||
      this.#progress?.delivered(delivery.sequence, delivery.deliveries) === false
    );
  }

  /** The connection is lost: acks wait until the consumer is found again. */
  connectionLost(): void {
    this.#reachable = false;
    this.#confirmations.connectionLost();
    this.#recentAcks.connectionLost();
  }

  /** The consumer is there: sends it the acks that waited. */
  consumerFound(): void {
    this.#reachable = true;
    this.#deferred.send((message, ack) => {
      this.#send(message, ack);
      // A server that was killed may have forgotten the delivery itself, and takes no ack for what it has not delivered.
      if (!isNak(ack)) this.#recentAcks.doubt(message.delivery);
    });
    this.#confirmations.consumerFound();
  }

  /** It was delivered again while it is held here. */
  renewed(message: JetStreamMessage): void {
    this.#confirmations.renewed(message);
  }

  /** Deliveries whose deadline has passed are revoked. Whether there were any. */
  expire(now: number): boolean {
    if (this.#deliveries.expire(now).length === 0) return false;
    this.rejectRevoked();
    return true;
  }

  /** Rejects the acks that wait for deliveries that are revoked. */
  rejectRevoked(): void {
    this.#deferred.rejectRevoked();
    this.#confirmations.rejectRevoked();
  }

  revokeAll(reason: string, cause?: unknown): JetStreamMessage[] {
    const all = this.#deliveries.revokeAll(reason, cause);
    this.rejectRevoked();
    return all;
  }

  /** As `revokeAll`, and the consumer delivers everything as if for the first time. */
  reset(reason: string, cause?: unknown): void {
    this.#recentAcks.clear();
    this.revokeAll(reason, cause);
  }

  /** The sequence at which a new ephemeral consumer has to start, so that it skips nothing. */
  restart(): number {
    return this.#progress?.restart() ?? 1;
  }

  #send(message: JetStreamMessage, ack: Uint8Array): void {
    try {
      sendAck(this.#context.connection.server, message.ackSubject, ack);
    } catch (error) {
      throw revokedError(message, error);
    }
    this.#settled(message, ack);
  }

  #settled(message: JetStreamMessage, ack: Uint8Array): void {
    this.#deliveries.remove(message);
    if (!isNak(ack)) {
      this.#recentAcks.settled(message.delivery);
      this.#progress?.done(message.position);
    }
    this.#events.settled();
  }
}
