import { type Clock, nextTurn, type Timer } from "../../../traits/clock.ts";
import type { ClientChannel } from "../client.ts";
import { type AmqpMessage, deliveries } from "../message/message.ts";
import { planAcks } from "./ack-frames.ts";

/**
 * The deliveries of one channel, and what is told to the server of them. A message settles here and nowhere else, so
 * that no settle can reach a later channel, on which the same tags stand for other messages.
 */
export class Settlements {
  readonly #channel: ClientChannel;
  readonly #clock: Clock;
  /** Delivered, and the server was not told what became of them. By their tags, which go up by 1. */
  readonly #unsettled = new Map<number, AmqpMessage>();
  /** Acked since the last flush; the server has still to be told. */
  #acked: number[] = [];
  /** One for each delivery that is held until it goes back. */
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
    this.#unsettled.set(tag, message);
  }

  /** Told to the server before this turn of the event loop is over, together with the others of this turn. */
  ack(tag: number): void {
    this.#unsettled.delete(tag);
    this.#acked.push(tag);
    if (this.#acked.length === 1) void nextTurn().then(() => this.flush());
  }

  /** n.b. `basic.reject`, as RabbitMQ from 4.0 on does not count what goes back by `basic.nack`. */
  reject(tag: number, requeue: boolean): void {
    this.#unsettled.delete(tag);
    this.#channel.reject({ fields: { deliveryTag: tag } }, requeue);
  }

  /** Keeps the delivery, as the server sees it, and gives it back after `delayMs`. */
  hold(tag: number, delayMs: number): void {
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
    const [lowest] = this.#unsettled.keys();
    const { upTo, single } = planAcks(acked, lowest ?? Number.POSITIVE_INFINITY);
    this.#tryTo(() => {
      if (upTo !== undefined) this.#channel.ack({ fields: { deliveryTag: upTo } }, true);
      for (const deliveryTag of single) this.#channel.ack({ fields: { deliveryTag } }, false);
    });
  }

  /** The channel is gone: everything unsettled is lost to its holder, and comes again from the server. */
  end(reason: string, cause?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    const lost = [...this.#unsettled.values()];
    this.#unsettled.clear();
    this.#acked = [];
    for (const message of lost) deliveries.lose(message, reason, cause);
  }

  /** n.b. a channel that is being closed by the server throws; it will say so, and then all of this is lost. */
  #tryTo(send: () => void): void {
    if (this.#over) return;
    try {
      send();
    } catch {
      // What is lost comes again.
    }
  }
}
