import type { Copy, CopyState } from "../model/records.ts";

/**
 * How long what is owed may stand in a batch that forms. Nobody sees when it came into one, so the time counts from the
 * first rest at which somebody waited for it, and starts again when a batch is broken off.
 */
export class Patience {
  #since: Map<CopyState, number> = new Map();
  #asked: Map<CopyState, number> = new Map();
  #forming = "";

  /** A rest begins. If a batch is broken off, its messages are free again. */
  begin(forming: readonly string[]): void {
    if (this.#forming !== forming.join()) this.forget();
    this.#forming = forming.join();
  }

  /** Whether the copy, for which somebody waits, may still be in a batch. Asked at every rest. */
  lasts({ state }: Copy, limitMs: number, nowMs: number): boolean {
    const since = this.#since.get(state) ?? nowMs;
    this.#asked.set(state, since);
    return nowMs - since < limitMs;
  }

  /** A rest is over: what nobody waited for at it may be taken later, and has its time then. */
  end(): void {
    this.#since = this.#asked;
    this.#asked = new Map();
  }

  forget(): void {
    this.#since.clear();
    this.#asked.clear();
  }
}
