import { type Clock, nextTurn, type Timer } from "../../../traits/clock.ts";
import type { ClientChannel } from "../client.ts";
import { type AmqpMessage, deliveries } from "../message/message.ts";
import { ackFrames } from "./ack-frames.ts";

/**
 * The unacked deliveries of one channel, and the acks and rejects that are sent on it. Every settle of a message comes
 * here, so none can reach a later channel, on which the same delivery tag is another message.
 */
export class UnackedDeliveries {
  readonly #channel: ClientChannel;
  readonly #clock: Clock;
  /** By delivery tag, which goes up by 1. */
  readonly #unacked = new Map<number, AmqpMessage>();
  /** Acked since the last flush, and not sent yet. */
  #acked: number[] = [];
  /** One for each delivery that is to be rejected later. */
  readonly #timers = new Set<Timer>();
  #over = false;

  constructor(channel: ClientChannel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  get over(): boolean {
    return this.#over;
  }

  deliver(tag: number, message: AmqpMessage): void {
    this.#unacked.set(tag, message);
  }

  /** Sent before this turn of the event loop is over, together with the other acks of this turn. */
  ack(tag: number): void {
    this.#unacked.delete(tag);
    this.#acked.push(tag);
    if (this.#acked.length === 1) void nextTurn().then(() => this.flush());
  }

  /** By `basic.reject`, because RabbitMQ 4.0 and later do not count a delivery that is requeued by `basic.nack`. */
  reject(tag: number, requeue: boolean): void {
    this.#unacked.delete(tag);
    this.#channel.reject({ fields: { deliveryTag: tag } }, requeue);
  }

  /** Requeues the delivery after `delayMs`. Until then it stays unacked. */
  requeueAfter(tag: number, delayMs: number): void {
    const timer = this.#clock.schedule(delayMs, () => {
      this.#timers.delete(timer);
      this.#tryTo(() => this.reject(tag, true));
    });
    this.#timers.add(timer);
  }

  flush(): void {
    if (this.#over || this.#acked.length === 0) return;
    const acked = this.#acked;
    this.#acked = [];
    const [lowest] = this.#unacked.keys();
    const { upTo, single } = ackFrames(acked, lowest ?? Number.POSITIVE_INFINITY);
    this.#tryTo(() => {
      if (upTo !== undefined) this.#channel.ack({ fields: { deliveryTag: upTo } }, true);
      for (const deliveryTag of single) this.#channel.ack({ fields: { deliveryTag } }, false);
    });
  }

  /** The channel is gone: everything unacked is revoked, and the server delivers it again. */
  end(reason: string, cause?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    const revoked = [...this.#unacked.values()];
    this.#unacked.clear();
    this.#acked = [];
    for (const message of revoked) deliveries.revoke(message, reason, cause);
  }

  /** A channel that the server is closing throws. Its "close" event follows, and then everything unacked is revoked. */
  #tryTo(send: () => void): void {
    if (this.#over) return;
    try {
      send();
    } catch {
      // See above.
    }
  }
}
