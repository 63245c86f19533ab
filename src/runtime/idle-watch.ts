import { nextTurn } from "../traits/clock.ts";
import { type Deferred, deferred } from "../traits/deferred.ts";
import type { Message } from "../traits/message.ts";
import type { RunParts } from "./run-parts.ts";

/** Notices that a run has nothing to do, for those who ask for it. */
export class IdleWatch<M extends Message, Value> {
  readonly #parts: RunParts<M, Value>;
  readonly #done: Promise<unknown>;
  readonly #failure: () => { readonly cause: unknown } | undefined;
  /** Resolves when the parts are quiet, or the run is over; there while somebody asked. */
  #quiet: Deferred<void> | undefined;
  #over = false;

  /** `done` settles when the run is over; `failure`: what the run failed with, if it did. */
  constructor(
    parts: RunParts<M, Value>,
    done: Promise<unknown>,
    failure: () => { readonly cause: unknown } | undefined,
  ) {
    this.#parts = parts;
    this.#done = done;
    this.#failure = failure;
  }

  /**
   * Resolves when nothing is in flight, no continuation is unfinished and the source has nothing, or the run is over; rejects
   * when the run is over and has failed.
   */
  async idle(): Promise<void> {
    const { dispatcher, continuations } = this.#parts;
    let seen = -1;
    while (!this.#over) {
      if (!this.#parts.isQuiet) {
        this.#quiet ??= deferred();
        await this.#quiet.promise;
      } else if (continuations.size > 0) {
        // One that never ends does not outlive the run.
        await Promise.race([continuations.idle(), this.#done.catch(() => undefined)]);
      } else {
        const { pulled } = dispatcher.stats;
        if (pulled === seen) return;
        seen = pulled;
        // A source without takeReady may be about to answer: within a turn, if it has something.
        await nextTurn();
        await nextTurn();
      }
    }
    const failure = this.#failure();
    if (failure) throw failure.cause;
  }

  /** Call when the parts may have become quiet. */
  look(): void {
    if (this.#quiet && this.#parts.isQuiet) this.#resolve();
  }

  /** The run is over. */
  end(): void {
    this.#over = true;
    this.#resolve();
  }

  #resolve(): void {
    this.#quiet?.resolve();
    this.#quiet = undefined;
  }
}
