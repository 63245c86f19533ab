import { Fifo } from "../../../structures/fifo.ts";
import type { Clock } from "../../../traits/clock.ts";
import type { StoredMessage } from "../message/stored-message.ts";
import type { RetainOptions } from "../options/options.ts";

/**
 * What a topic keeps for later readers. Its bounds hold at all times but the one of age, which is applied when the log is
 * written or read. What a group has still to deliver it holds itself, so nothing is lost to it here.
 */
export class Log {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #ageMs: number | undefined;
  readonly #clock: Clock;
  readonly #messages = new Fifo<StoredMessage>();
  /** Bytes of payload of `#messages`. */
  #bytes = 0;

  constructor(limits: RetainOptions | true, clock: Clock) {
    const { messages, bytes, ageMs }: RetainOptions = limits === true ? {} : limits;
    this.#maxMessages = messages ?? Number.POSITIVE_INFINITY;
    this.#maxBytes = bytes ?? Number.POSITIVE_INFINITY;
    this.#ageMs = ageMs;
    this.#clock = clock;
  }

  /** Whether messages need the time of their publish. */
  get ages(): boolean {
    return this.#ageMs !== undefined;
  }

  get size(): number {
    return this.#messages.size;
  }

  /** Of payload. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where its oldest message stands in the topic; undefined while it has none. */
  get first(): number | undefined {
    this.#trim();
    return this.#messages.peek()?.sequence;
  }

  append(stored: StoredMessage): void {
    this.#messages.push(stored);
    this.#bytes += stored.payload.byteLength;
    this.#trim();
  }

  /** Every message from `sequence` on, in order. */
  from(sequence: number): StoredMessage[] {
    this.#trim();
    const found: StoredMessage[] = [];
    for (const stored of this.#messages) if (stored.sequence >= sequence) found.push(stored);
    return found;
  }

  /** Takes out every message from `sequence` on, in order. */
  takeFrom(sequence: number): StoredMessage[] {
    const all = this.from(1);
    this.#replace(all.filter((stored) => stored.sequence < sequence));
    return all.filter((stored) => stored.sequence >= sequence);
  }

  /** Puts messages back in their places. */
  restore(messages: readonly StoredMessage[]): void {
    this.#replace([...this.#messages, ...messages].sort((a, b) => a.sequence - b.sequence));
  }

  #replace(messages: readonly StoredMessage[]): void {
    this.#messages.clear();
    this.#bytes = 0;
    for (const stored of messages) this.append(stored);
  }

  #trim(): void {
    const oldest = this.#ageMs === undefined ? 0 : this.#clock.now() - this.#ageMs;
    for (let first = this.#messages.peek(); first !== undefined; first = this.#messages.peek()) {
      const fits = this.#messages.size <= this.#maxMessages && this.#bytes <= this.#maxBytes;
      if (fits && first.at >= oldest) return;
      this.#messages.shift();
      this.#bytes -= first.payload.byteLength;
    }
  }
}
