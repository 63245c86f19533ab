import { Alarm } from "../../shared/alarm.ts";
import type { Deliveries } from "./deliveries.ts";
import type { PullContext } from "./pull-context.ts";
import type { Settlement } from "./settlement.ts";

export interface DeadlineEvents {
  /** Whether a loop is at work, which will take what is buffered. */
  isConsumed(): boolean;
  /** Some deliveries are revoked, and there is room for others. */
  expired(): void;
  /** One delivery of a `sole` subscription was not settled in time, and with it all are revoked. */
  missed(): void;
}

/** The ack deadlines of the deliveries that are held: extended for those that wait here, kept for those that were taken. */
export class AckDeadlines {
  readonly #context: PullContext;
  readonly #deliveries: Deliveries;
  readonly #settlement: Settlement;
  readonly #events: DeadlineEvents;
  readonly #alarm: Alarm;

  constructor(context: PullContext, deliveries: Deliveries, settlement: Settlement, events: DeadlineEvents) {
    this.#context = context;
    this.#deliveries = deliveries;
    this.#settlement = settlement;
    this.#events = events;
    this.#alarm = new Alarm(context.connection.settings.clock, () => this.#onAlarm());
  }

  arm(): void {
    const { due, buffered } = this.#deliveries;
    if (due === Number.POSITIVE_INFINITY) return;
    this.#alarm.at(due);
    const { clock } = this.#context.connection.settings;
    if (buffered > 0) this.#alarm.at(clock.now() + this.#context.consumer.ackDeadlineMs / 3);
  }

  cancel(): void {
    this.#alarm.cancel();
  }

  /** The consumer has another ack deadline: what is held has it as well. */
  changed(): void {
    const { connection, consumer, settings } = this.#context;
    this.#deliveries.ackDeadlineMs = consumer.ackDeadlineMs;
    // What the server has given to others meanwhile is not to be extended.
    if (!settings.sole) this.expire(connection.settings.clock.now());
    this.#onAlarm();
  }

  expire(now: number): void {
    if (this.#settlement.expire(now)) this.#events.expired();
  }

  #onAlarm(): void {
    const { connection, consumer, settings } = this.#context;
    const now = connection.settings.clock.now();
    // A message that is buffered for a loop at work is not slow, it only waits: so its deadline is extended.
    if (this.#events.isConsumed())
      for (const message of this.#deliveries.untaken()) this.#settlement.extend(message);
    if (settings.sole && this.#deliveries.due <= now) {
      // A delivery that comes again alone would come after those that follow it in the stream.
      this.#settlement.revokeAll(`one before it, or it, was not settled within ${consumer.ackDeadlineMs} ms`);
      this.#events.missed();
      return;
    }
    this.expire(now);
    this.arm();
  }
}
