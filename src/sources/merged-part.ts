import type { Message } from "../traits/message.ts";
import type { Subscriber, SubscriberIterator } from "../traits/subscriber.ts";

/** Whom a part tells what became of its pull. */
interface Whole {
  arrived(): void;
  failed(part: Subscriber, cause: unknown): void;
}

/** One part of a merge: its iterator, at most one pull under way, and what that pull brought. */
export class MergedPart {
  readonly #subscriber: Subscriber;
  readonly #whole: Whole;
  /** Present while the merge is being iterated. */
  #iterator: SubscriberIterator | undefined;
  /** A `next()` of an iterator, this one or the one before, has no answer yet. */
  #pulling = false;
  /** What a pull brought and nobody has taken. The next pull comes when nothing is left to take, so it is one at most. */
  #held: Message | undefined;
  /** It will have nothing more. As only a pull tells so, nothing is held then. */
  #over = false;

  constructor(subscriber: Subscriber, whole: Whole) {
    this.#subscriber = subscriber;
    this.#whole = whole;
  }

  get over(): boolean {
    return this.#over;
  }

  iterate(): void {
    if (!this.#over) this.#iterator = this.#subscriber[Symbol.asyncIterator]();
  }

  /** Up to `max` messages that are here. */
  take(max: number): Message[] {
    const held = this.#takeHeld();
    if (held === undefined) return this.#takeReady(max);
    return max > 1 ? [held, ...this.#takeReady(max - 1)] : [held];
  }

  /** Asks for the next message, unless one is asked for. Nothing is here then: `take` came before. */
  pull(): void {
    if (this.#pulling || this.#over || this.#iterator === undefined) return;
    this.#pulling = true;
    const iterator = this.#iterator;
    iterator.next().then(
      (result) => this.#answered(iterator, result),
      (error: unknown) => {
        this.#over = true;
        this.#whole.failed(this.#subscriber, error);
      },
    );
  }

  /** Gives the subscriber free. A pull under way is answered with done, or with a message that is held from then on. */
  async release(): Promise<void> {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    await iterator?.return();
  }

  async close(): Promise<void> {
    this.#over = true;
    this.#held = undefined;
    await this.#subscriber.close();
  }

  #answered(iterator: SubscriberIterator, result: IteratorResult<Message, undefined>): void {
    this.#pulling = false;
    if (!result.done) {
      if (!this.#over) this.#held = result.value;
    } else if (iterator === this.#iterator) {
      this.#over = true;
    }
    this.#whole.arrived();
  }

  /** A message whose delivery was revoked while it was held comes again from its broker, so this one is let go. */
  #takeHeld(): Message | undefined {
    const held = this.#held;
    this.#held = undefined;
    return held?.revoked ? undefined : held;
  }

  #takeReady(max: number): Message[] {
    if (this.#pulling || this.#over) return [];
    return this.#iterator?.takeReady?.(max) ?? [];
  }
}
