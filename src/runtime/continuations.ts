import PQueue from "p-queue";
import type { Message } from "../traits/message.ts";
import type { Delivery, Settlement } from "./delivery.ts";

/** Continuations that run at once; further ones wait their turn. */
const concurrency = 16;

/** Unfinished continuations above which a run pulls no more. */
export const mostUnfinished = 1_024;

/**
 * Work that handlers asked to be done after the settle: off the delivery path, tracked, and waited for by a drain. There
 * are at most 1,024 and those of what was in flight when that many were reached.
 */
export class Continuations<M extends Message> {
  readonly #queue = new PQueue({ concurrency });
  readonly #failed: (error: unknown, delivery: Delivery<M, unknown>) => void;
  readonly #eased: () => void;
  /** Queued and running. */
  #size = 0;

  /** `eased`: there was no room for more, and now there is. */
  constructor(failed: (error: unknown, delivery: Delivery<M, unknown>) => void, eased: () => void) {
    this.#failed = failed;
    this.#eased = eased;
  }

  /** Queued and running. */
  get size(): number {
    return this.#size;
  }

  /** How many more there may be; below 0 when what was in flight brought more than that. */
  get room(): number {
    return mostUnfinished - this.#size;
  }

  start(delivery: Delivery<M, unknown>, settlement: Settlement): void {
    for (const work of delivery.continuations ?? []) {
      this.#size += 1;
      void this.#queue.add(() => this.#run(work, delivery, settlement));
    }
  }

  /** Resolves when all that was started is done. */
  idle(): Promise<void> {
    return this.#queue.onIdle();
  }

  /** Forgets what has not begun. */
  clear(): void {
    this.#size -= this.#queue.size;
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
      this.#failed(error, delivery);
    }
    this.#size -= 1;
    if (this.#size === mostUnfinished - 1) this.#eased();
  }
}
