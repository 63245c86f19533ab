import type { PublisherCapabilities } from "../traits/capabilities.ts";
import { diagnostics } from "../traits/diagnostics.ts";
import { SubscriptionFailedError } from "../traits/errors.ts";
import { headerNames } from "../traits/headers.ts";
import { checkOutgoing } from "../traits/outgoing.ts";
import type { Item, IterableItem } from "./iterable-message.ts";

/** Nothing travels here, so anything fits. */
const noLimits: PublisherCapabilities = {
  confirmation: "broker",
  headerValues: "bytes",
  duplicateHeaders: true,
  maxPayloadBytes: Number.POSITIVE_INFINITY,
  transactions: false,
  requestReply: false,
};

// `from` and `map` of ix do not fit here. They are async generators, whose `return()` waits for the pending `next()`. So
// `close()` would wait until a quiet iterable gives its next item. test/sources/ix-combinators.test.ts shows it.

/** Reads an iterable one item at a time, on demand, and checks what it gives. */
export class ItemReader {
  readonly #items: Iterable<IterableItem> | AsyncIterable<IterableItem>;
  readonly #topic: string;
  readonly #onRead: () => void;
  /** One of the two from the first item asked for until the iterable says that it is done, or throws. */
  #now: Iterator<IterableItem> | undefined;
  #later: AsyncIterator<IterableItem> | undefined;
  /** The number of the next item. */
  #position = 0;
  /** An async iterable was asked and has not answered. */
  #pulling = false;
  /** What it answered, not taken. It is asked again only when nothing is left to take. */
  #held: Item | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  /** `onRead` is called when an async iterable has given an item or come to its end. */
  constructor(
    items: Iterable<IterableItem> | AsyncIterable<IterableItem>,
    topic: string,
    onRead: () => void,
  ) {
    this.#items = items;
    this.#topic = topic;
    this.#onRead = onRead;
  }

  /** Nothing more will come of it. */
  get ended(): boolean {
    return this.#ended && this.#held === undefined;
  }

  /** Why it ended, when it did not do so by itself. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The next item, if that takes no waiting. */
  take(): Item | undefined {
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined || this.#ended || Symbol.asyncIterator in this.#items) return held;
    try {
      this.#now ??= this.#items[Symbol.iterator]();
      return this.#accept(this.#now.next());
    } catch (cause) {
      this.#threw(cause);
      return undefined;
    }
  }

  /** Asks an async iterable for its next item, unless it is being asked. Nothing is here then: `take` came before. */
  pull(): void {
    if (this.#pulling || this.#ended) return;
    if (Symbol.asyncIterator in this.#items) void this.#pull(this.#items);
  }

  /** Lets go of the iterable. What it still gives is dropped. */
  async close(): Promise<void> {
    const iterator = this.#now ?? this.#later;
    this.#finish();
    this.#held = undefined;
    const returned = Promise.resolve(iterator?.return?.());
    if (!this.#pulling) await returned;
    // A generator answers this only after the item it is at, which may never come: nobody can wait for that.
    else
      returned.catch((error: unknown) =>
        diagnostics["tidelane:error"].publish({ topic: this.#topic, error }),
      );
  }

  async #pull(items: AsyncIterable<IterableItem>): Promise<void> {
    this.#pulling = true;
    try {
      this.#later ??= items[Symbol.asyncIterator]();
      const result = await this.#later.next();
      if (!this.#ended) this.#held = this.#accept(result);
    } catch (cause) {
      this.#threw(cause);
    }
    this.#pulling = false;
    this.#onRead();
  }

  #accept(result: IteratorResult<IterableItem>): Item | undefined {
    if (result.done) {
      this.#finish();
      return undefined;
    }
    const position = this.#position;
    this.#position += 1;
    const message = isBare(result.value) ? { payload: result.value } : result.value;
    try {
      const content = checkOutgoing({ ...message, topic: this.#topic }, noLimits, {
        keyHeader: headerNames.partitionKey,
      });
      return { position, content, deliveries: 0 };
    } catch (cause) {
      this.#fail(`item ${position} of its iterable cannot be delivered`, cause);
      return undefined;
    }
  }

  #threw(cause: unknown): void {
    this.#finish();
    this.#fail(`its iterable threw at item ${this.#position}`, cause);
  }

  #fail(reason: string, cause: unknown): void {
    this.#ended = true;
    this.#failure ??= { error: new SubscriptionFailedError({ topic: this.#topic, reason, cause }) };
  }

  #finish(): void {
    this.#ended = true;
    this.#now = undefined;
    this.#later = undefined;
  }
}

function isBare(item: IterableItem): item is Uint8Array | string {
  return typeof item === "string" || item instanceof Uint8Array;
}
