import { Fifo } from "../../../structures/fifo.ts";
import type { Clock } from "../../../traits/clock.ts";
import { Alarm } from "../../shared/alarm.ts";
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
  readonly #messages = new Fifo<NatsMessage>();
  /** Given back by whoever took them; they come first, the last one of the array before the others. */
  readonly #returned: NatsMessage[] = [];
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
    while (this.#size >= maxMessages || (this.#size > 0 && this.#bytes + bytes > this.#limits.maxBytes)) {
      if (overflow === "fail") return false;
      this.#dropped += 1;
      this.#alarm.at(this.#clock.now() + (this.#reported === 0 ? 0 : reportMs));
      if (overflow === "drop-newest") return true;
      this.#next();
    }
    this.#messages.push(message);
    this.#bytes += bytes;
    return true;
  }

  take(max: number): NatsMessage[] {
    const taken: NatsMessage[] = [];
    while (taken.length < max) {
      const message = this.#next();
      if (message === undefined) break;
      taken.push(message);
    }
    return taken;
  }

  giveBack(messages: readonly NatsMessage[]): void {
    for (const message of messages.toReversed()) {
      this.#returned.push(message);
      this.#bytes += message.payload.byteLength;
    }
  }

  /** The connection is gone, and with it the messages that were not taken. Counts them as dropped, and returns how many. */
  abandon(): number {
    const left = this.#size;
    this.clear();
    this.#dropped += left;
    this.#reported = this.#dropped;
    return left;
  }

  clear(): void {
    this.#report();
    this.#alarm.cancel();
    this.#messages.clear();
    this.#returned.length = 0;
    this.#bytes = 0;
  }

  #next(): NatsMessage | undefined {
    const message = this.#returned.pop() ?? this.#messages.shift();
    if (message !== undefined) this.#bytes -= message.payload.byteLength;
    return message;
  }

  get #size(): number {
    return this.#messages.size + this.#returned.length;
  }

  #report(): void {
    const sinceLast = this.#dropped - this.#reported;
    if (sinceLast === 0) return;
    this.#reported = this.#dropped;
    this.#onLoss(sinceLast);
  }
}
