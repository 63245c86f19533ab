import { DeliveryQueue } from "../../shared/delivery-queue.ts";
import type { DeliveryInfo } from "../message/ack.ts";
import { deliveryControl, type JetStreamMessage } from "../message/message.ts";

/** The deliveries of a subscription that are not settled, those that are buffered here included. */
export class Deliveries {
  /** As the consumer has it now. The server goes by it for what is held, too. */
  ackDeadlineMs: number;
  /** By sequence in the stream; the one whose deadline comes first is first. */
  readonly #unsettled = new Map<number, JetStreamMessage>();
  /** Not taken yet. Revoked ones stay in it until they are passed over. */
  readonly #waiting = new DeliveryQueue<JetStreamMessage>();
  /** Not to be taken before `releaseHeldBack()`. */
  #heldBack: JetStreamMessage[] = [];
  /** How many of `#unsettled` are not taken. */
  #buffered = 0;

  constructor(ackDeadlineMs: number) {
    this.ackDeadlineMs = ackDeadlineMs;
  }

  get unsettled(): number {
    return this.#unsettled.size;
  }

  get buffered(): number {
    return this.#buffered;
  }

  /** How many of these wait aside. */
  get heldBack(): number {
    return this.#heldBack.length;
  }

  /** When the first deadline passes. */
  get due(): number {
    for (const message of this.#unsettled.values()) return message.since + this.ackDeadlineMs;
    return Number.POSITIVE_INFINITY;
  }

  /** The lowest sequence among them. */
  get lowest(): number {
    return Math.min(...this.#unsettled.keys());
  }

  /** Of a message that is not held: see `renew()`. */
  add(message: JetStreamMessage, now: number): void {
    message.since = now;
    this.#unsettled.set(message.position, message);
    this.#waiting.push(message);
    this.#buffered += 1;
  }

  holds(sequence: number): boolean {
    return this.#unsettled.has(sequence);
  }

  /**
   * The message of this sequence, held here, was delivered again, so that nobody else has it: it is kept, with a full
   * deadline. Undefined where it is not held. A server before 2.10 repeats one when pull requests are withdrawn.
   */
  renew(delivery: DeliveryInfo, ackSubject: string, now: number): JetStreamMessage | undefined {
    const held = this.#unsettled.get(delivery.sequence);
    if (held === undefined || held.revoked !== undefined) return undefined;
    held.renew(delivery, ackSubject);
    this.extend(held, now);
    return held;
  }

  /** As `add`, and it waits aside for others to be put in order with it. */
  addHeldBack(message: JetStreamMessage, now: number): void {
    message.since = now;
    this.#unsettled.set(message.position, message);
    this.#heldBack.push(message);
    this.#buffered += 1;
  }

  /** What waits aside can be taken, in the order of the stream. */
  releaseHeldBack(): void {
    for (const message of this.#heldBack.sort((a, b) => a.position - b.position)) this.#waiting.push(message);
    this.#heldBack = [];
  }

  take(max: number): JetStreamMessage[] {
    const taken = this.#waiting.take(max, ({ revoked }) => revoked === undefined);
    for (const message of taken) message.taken = true;
    this.#buffered -= taken.length;
    return taken;
  }

  giveBack(messages: readonly JetStreamMessage[]): void {
    const live = messages.filter(({ revoked }) => revoked === undefined);
    for (const message of live) message.taken = false;
    this.#buffered += live.length;
    this.#waiting.giveBack(live);
  }

  has(message: JetStreamMessage): boolean {
    return this.#unsettled.get(message.position) === message;
  }

  /** Its fate is known. */
  remove(message: JetStreamMessage): void {
    if (!this.has(message)) return;
    this.#unsettled.delete(message.position);
    if (!message.taken) this.#buffered -= 1;
  }

  /** Its deadline is a full one from now. */
  extend(message: JetStreamMessage, now: number): void {
    if (!this.has(message)) return;
    message.since = now;
    this.#unsettled.delete(message.position);
    this.#unsettled.set(message.position, message);
  }

  /** Those that wait to be taken. */
  untaken(): JetStreamMessage[] {
    return [...this.#unsettled.values()].filter((message) => !message.taken);
  }

  /** Those whose deadline has passed are revoked; the server delivers them again. */
  expire(now: number): JetStreamMessage[] {
    const expired: JetStreamMessage[] = [];
    for (const message of this.#unsettled.values()) {
      if (message.since + this.ackDeadlineMs > now) break;
      expired.push(message);
    }
    const reason = `it was not settled within ${this.ackDeadlineMs} ms`;
    for (const message of expired) this.revoke(message, reason);
    return expired;
  }

  /** All of them are revoked. Returns them. */
  revokeAll(reason: string, cause?: unknown): JetStreamMessage[] {
    const all = [...this.#unsettled.values()];
    this.#unsettled.clear();
    this.#buffered = 0;
    this.#waiting.clear();
    this.#heldBack = [];
    // Last, so that a listener of a delivery's signal finds nothing half done.
    // The last one first: one of the same key that waits behind another does not begin in between.
    for (const message of all.toReversed()) deliveryControl.revoke(message, reason, cause);
    return all;
  }

  revoke(message: JetStreamMessage | undefined, reason: string): void {
    if (message === undefined) return;
    this.remove(message);
    deliveryControl.revoke(message, reason);
  }
}
