import type { Clock } from "../../../traits/clock.ts";
import { Alarm } from "../../shared/alarm.ts";
import { DeliveryQueue } from "../../shared/delivery-queue.ts";
import type { NatsMessage } from "../message/message.ts";
import type { InboxLimits } from "../options.ts";

/** A subscription's reports of what it dropped are at least so far apart. */
const reportMs = 1_000;

/** What has come and was not asked for yet. It is bounded: what does not fit is dropped, counted and reported. */
export class Inbox {
  readonly #limits: InboxLimits;
  readonly #onLoss: (sinceLast: number) => void;
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #messages = new DeliveryQueue<NatsMessage>();
  #bytes = 0;
  #dropped = 0;
  #reported = 0;

  constructor(limits: InboxLimits, clock: Clock, onLoss: (sinceLast: number) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#onLoss = onLoss;
    this.#alarm = new Alarm(clock, () => this.#report());
  }

  /** Since the subscription opened. */
  get dropped(): number {
    return this.#dropped;
  }

  /** False where it does not fit and the policy is "fail". */
  push(message: NatsMessage): boolean {
    const { maxMessages, overflow } = this.#limits;
    const bytes = message.payload.byteLength;
    while (
      this.#messages.size >= maxMessages ||
      (this.#messages.size > 0 && this.#bytes + bytes > this.#limits.maxBytes)
    ) {
      if (overflow === "fail") return false;
      this.#dropped += 1;
      this.#alarm.at(this.#clock.now() + (this.#reported === 0 ? 0 : reportMs));
      if (overflow === "drop-newest") return true;
      this.#bytes -= this.#messages.shift()?.payload.byteLength ?? 0;
    }
    this.#messages.push(message);
    this.#bytes += bytes;
    return true;
  }

  take(max: number): NatsMessage[] {
    const taken = this.#messages.take(max, () => true);
    for (const message of taken) this.#bytes -= message.payload.byteLength;
    return taken;
  }

  giveBack(messages: readonly NatsMessage[]): void {
    this.#messages.giveBack(messages);
    for (const message of messages) this.#bytes += message.payload.byteLength;
  }

  /** The connection is gone, and with it the messages that were not taken. Counts them as dropped, and returns how many. */
  abandon(): number {
    const left = this.#messages.size;
    this.clear();
    this.#dropped += left;
    this.#reported = this.#dropped;
    return left;
  }

  clear(): void {
    this.#report();
    this.#alarm.cancel();
    this.#messages.clear();
    this.#bytes = 0;
  }

  #report(): void {
    const sinceLast = this.#dropped - this.#reported;
    if (sinceLast === 0) return;
    this.#reported = this.#dropped;
    this.#onLoss(sinceLast);
  }
}
