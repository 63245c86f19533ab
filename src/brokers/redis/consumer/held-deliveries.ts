import type { Clock } from "../../../traits/clock.ts";
import { Alarm } from "../../shared/alarm.ts";
import { DeliveryQueue } from "../../shared/delivery-queue.ts";
import { deliveries, type RedisMessage } from "../message/message.ts";

interface Held {
  readonly message: RedisMessage;
  readonly due: number;
}

/** The unsettled deliveries of a subscription, those that nobody was handed yet among them, until their ack deadlines. */
export class HeldDeliveries {
  readonly #clock: Clock;
  readonly #ackDeadlineMs: number;
  readonly #onExpired: () => void;
  readonly #alarm: Alarm;
  /** By the id of their entry, in the order in which their deadlines come. */
  readonly #held = new Map<string, Held>();
  readonly #waiting = new DeliveryQueue<RedisMessage>();

  constructor(clock: Clock, ackDeadlineMs: number, onExpired: () => void) {
    this.#clock = clock;
    this.#ackDeadlineMs = ackDeadlineMs;
    this.#onExpired = onExpired;
    this.#alarm = new Alarm(clock, () => this.#expire());
  }

  get size(): number {
    return this.#held.size;
  }

  /** How many wait to be handed out. */
  get buffered(): number {
    return this.#waiting.size;
  }

  get ids(): Iterable<string> {
    return this.#held.keys();
  }

  has(message: RedisMessage): boolean {
    return this.#held.get(message.position)?.message === message;
  }

  add(message: RedisMessage): void {
    const before = this.#held.get(message.position);
    if (before !== undefined) this.#revoke(before.message, "it was delivered again");
    this.#put(message);
    this.#waiting.push(message);
  }

  take(max: number): RedisMessage[] {
    return this.#waiting.take(max, isLive);
  }

  giveBack(messages: readonly RedisMessage[]): void {
    this.#waiting.giveBack(messages);
  }

  /** Returns whether it was held. */
  settle(message: RedisMessage): boolean {
    if (!this.has(message)) return false;
    this.#held.delete(message.position);
    if (this.#held.size === 0) this.#alarm.cancel();
    return true;
  }

  renew(message: RedisMessage): void {
    if (!this.has(message)) return;
    this.#held.delete(message.position);
    this.#put(message);
  }

  /** Returns the ids of those that nobody was handed. */
  revokeAll(reason: string, cause?: unknown): string[] {
    const unseen = this.#waiting.take(Number.POSITIVE_INFINITY, isLive).map(({ position }) => position);
    for (const { message } of [...this.#held.values()]) this.#revoke(message, reason, cause);
    return unseen;
  }

  #put(message: RedisMessage): void {
    const due = this.#clock.now() + this.#ackDeadlineMs;
    this.#held.set(message.position, { message, due });
    this.#alarm.at(due);
  }

  #revoke(message: RedisMessage, reason: string, cause?: unknown): void {
    this.settle(message);
    deliveries.revoke(message, reason, cause);
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const { message, due } of [...this.#held.values()]) {
      if (due > now) {
        this.#alarm.at(due);
        break;
      }
      this.#revoke(message, `it was not settled within ${this.#ackDeadlineMs} ms`);
    }
    this.#onExpired();
  }
}

/** A revoked delivery is not handed out, because it is delivered again. */
export function isLive(message: RedisMessage): boolean {
  return message.revoked === undefined;
}
