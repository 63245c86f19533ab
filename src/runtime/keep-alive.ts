import type { Clock, Timer } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";

interface HeldDelivery {
  readonly message: Message;
  readonly phase: string;
}

/** A run whose handlers are slow arms nothing for a long time: so often the deadline is read all the same. */
const lookAgainMs = 1_000;

/**
 * Extends the ack deadline of everything in flight, three times a deadline, so that a delivery that waits for its lane,
 * for a retry or for a slow handler is not taken for lost. One timer a run, armed while something is in flight.
 */
export class KeepAlive<D extends HeldDelivery> {
  readonly #held: Iterable<D>;
  readonly #clock: Clock;
  readonly #deadlineMs: () => number | undefined;
  readonly #failed: (error: unknown, delivery: D) => void;
  #timer: Timer | undefined;
  /** The deadline that the timer goes by, and when it fires. */
  #armedFor = Number.POSITIVE_INFINITY;
  #due = Number.POSITIVE_INFINITY;

  constructor(
    held: Iterable<D>,
    clock: Clock,
    deadlineMs: () => number | undefined,
    failed: (error: unknown, delivery: D) => void,
  ) {
    this.#held = held;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#failed = failed;
  }

  /** Call when something may have come into flight, or the deadline may have become shorter. */
  arm(): void {
    // Asked each time: on some brokers others may shorten the deadline of a subscription that is open.
    const deadlineMs = this.#deadlineMs();
    if (deadlineMs === undefined || (this.#timer !== undefined && deadlineMs >= this.#armedFor)) return;
    const due = this.#clock.now() + deadlineMs / 3;
    this.#armedFor = deadlineMs;
    if (this.#timer !== undefined && due >= this.#due) return;
    this.#due = due;
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer?.cancel();
    const afterMs = Math.min(this.#due - this.#clock.now(), lookAgainMs);
    this.#timer = this.#clock.schedule(afterMs, () => this.#look());
  }

  #look(): void {
    if (this.#clock.now() >= this.#due) {
      this.#beat();
      return;
    }
    this.#schedule();
    this.arm();
  }

  #beat(): void {
    this.#timer = undefined;
    let any = false;
    for (const delivery of this.#held) {
      const { message, phase } = delivery;
      if (message.settled || message.revoked || phase === "abandoned") continue;
      any = true;
      void this.#extend(delivery);
    }
    if (any) this.arm();
  }

  async #extend(delivery: D): Promise<void> {
    const { message } = delivery;
    try {
      await message.keepAlive();
    } catch (error) {
      // Settled or revoked meanwhile is no failure: the settle tells.
      if (!message.settled && !message.revoked) this.#failed(error, delivery);
    }
  }
}
