import type { ClientChannel, ServerVersion } from "../client.ts";
import { delayQueueName } from "../message/delay-queue-names.ts";
import { declareQueue } from "./topology.ts";

/**
 * Queues in which a message waits before it returns to its own queue: one for each duration, because a queue lets messages
 * out at its head only, and with one duration in it the head is always the first to be due.
 */
export class DelayQueues {
  readonly #queue: string;
  /** Shortest first. */
  readonly #delaysMs: readonly number[];

  constructor(queue: string, delaysMs: readonly number[]) {
    this.#queue = queue;
    this.#delaysMs = [...new Set(delaysMs)].sort((a, b) => a - b);
  }

  /** Where to wait for at least `delayMs`; undefined where none is long enough. */
  nameFor(delayMs: number): string | undefined {
    const rung = this.#delaysMs.find((each) => each >= delayMs);
    return rung === undefined ? undefined : delayQueueName(this.#queue, rung);
  }

  async declare(channel: ClientChannel, server: ServerVersion): Promise<void> {
    for (const messageTtlMs of this.#delaysMs) {
      const declaration = { messageTtlMs, deadLetter: { topic: this.#queue } };
      await declareQueue(channel, delayQueueName(this.#queue, messageTtlMs), "quorum", declaration, server);
    }
  }
}
