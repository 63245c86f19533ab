import { nextTurn } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";
import type { SubscriberIterator } from "../traits/subscriber.ts";

export interface IntakeHooks<M> {
  /** How many deliveries there is room for now. */
  room(): number;
  /** Takes one in. A promise holds the intake until it resolves; it must not reject. */
  admit(message: M): Promise<void> | undefined;
  /** There is news: look for runnable deliveries and call `takeSome` again. */
  pump(): void;
  /**
   * The stream is over, with the error that ended it if there was one. Called once, and after `close` only for an error
   * that was on its way.
   */
  ended(error: { readonly cause: unknown } | undefined): void;
}

/** After so many deliveries in one turn of the event loop, timers and I/O get theirs. */
const deliveriesPerTurn = 1_024;

/** The pulling side of a run: takes room before it pulls, and never has more than one `next()` waiting. */
export class Intake<M extends Message> {
  readonly #iterator: SubscriberIterator<M>;
  readonly #hooks: IntakeHooks<M>;
  /** Deliveries asked for at once: 1 where taking one in may have to wait. */
  readonly #most: number;
  /** A `next()`, an admission or a turn of the event loop is awaited; its continuation pumps. */
  #busy = false;
  /** The last `next()`, until what came of it was taken in. */
  #pulling: Promise<void> | undefined;
  /** A `next()` has not been answered. */
  #asking = false;
  #closed = false;
  #sinceTurn = 0;

  constructor(iterator: SubscriberIterator<M>, hooks: IntakeHooks<M>, most: number) {
    this.#iterator = iterator;
    this.#hooks = hooks;
    this.#most = most;
  }

  /** The source had nothing ready when it was last asked, and has answered nothing since; or it has ended. */
  get isWaiting(): boolean {
    return this.#closed || this.#asking;
  }

  /** Takes in what is here and fits. `true`: something came at once, so there may be more. */
  takeSome(): boolean {
    if (this.#closed || this.#busy) return false;
    const room = Math.min(this.#hooks.room(), this.#most);
    if (room < 1) return false;
    if (this.#sinceTurn >= deliveriesPerTurn) {
      this.#sinceTurn = 0;
      void this.#resumeAfter(nextTurn());
      return false;
    }
    const ready = this.#takeReady(room);
    if (ready === undefined) return false;
    if (ready.length === 0) {
      this.#pulling = this.#next();
      return false;
    }
    for (const message of ready) this.#admit(message);
    return true;
  }

  /**
   * Pulls no more, and ends the iterator; what the subscriber has buffered stays there. Resolves when nothing more can
   * come: what `next()` was answered with at this very moment has been delivered, and is taken in.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#iterator.return();
    await this.#pulling;
  }

  #takeReady(room: number): M[] | undefined {
    try {
      return this.#iterator.takeReady?.(room) ?? [];
    } catch (cause) {
      this.#end({ cause });
      return undefined;
    }
  }

  async #next(): Promise<void> {
    this.#busy = true;
    this.#asking = true;
    try {
      const result = await this.#iterator.next();
      this.#busy = false;
      this.#asking = false;
      if (result.done) this.#end(undefined);
      else this.#admit(result.value);
    } catch (cause) {
      this.#busy = false;
      this.#asking = false;
      this.#end({ cause });
    }
    this.#hooks.pump();
  }

  #admit(message: M): void {
    this.#sinceTurn += 1;
    const admission = this.#hooks.admit(message);
    if (admission !== undefined) void this.#resumeAfter(admission);
  }

  async #resumeAfter(promise: Promise<void>): Promise<void> {
    this.#busy = true;
    await promise;
    this.#busy = false;
    this.#hooks.pump();
  }

  #end(error: { readonly cause: unknown } | undefined): void {
    // An error is told once: one that answers the last `next()` while the intake closes is not said again.
    if (this.#closed && error === undefined) return;
    this.#closed = true;
    this.#hooks.ended(error);
  }
}
