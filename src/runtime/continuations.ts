import PQueue from "p-queue";
import type { Message } from "../traits/message.ts";
import type { Delivery, Settlement } from "./delivery.ts";

/** Continuations that run at once; further ones wait their turn. */
const concurrency = 16;

/** Work that handlers asked to be done after the settle: off the delivery path, tracked, and waited for by a drain. */
export class Continuations<M extends Message> {
  readonly #queue = new PQueue({ concurrency });
  readonly #failed: (error: unknown, message: M) => void;

  constructor(failed: (error: unknown, message: M) => void) {
    this.#failed = failed;
  }

  /** Queued and running. */
  get size(): number {
    return this.#queue.size + this.#queue.pending;
  }

  start(delivery: Delivery<M, unknown>, settlement: Settlement): void {
    for (const work of delivery.continuations ?? [])
      void this.#queue.add(() => this.#run(work, delivery, settlement));
  }

  /** Resolves when all that was started is done. */
  idle(): Promise<void> {
    return this.#queue.onIdle();
  }

  /** Forgets what has not begun. */
  clear(): void {
    this.#queue.clear();
  }

  async #run(
    work: (settlement: Settlement) => void | Promise<void>,
    delivery: Delivery<M, unknown>,
    settlement: Settlement,
  ): Promise<void> {
    try {
      await work(settlement);
    } catch (error) {
      this.#failed(error, delivery.message);
    }
  }
}
