import { Outlet } from "../structures/outlet.ts";
import type { Connection, SubscriptionSource } from "../traits/broker.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { type Clock, systemClock } from "../traits/clock.ts";
import { diagnostics } from "../traits/diagnostics.ts";
import { InvalidArgumentError, SubscriptionFailedError } from "../traits/errors.ts";
import { LiveCapabilities } from "../traits/live-capabilities.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber, SubscriberIterator } from "../traits/subscriber.ts";
import { weakest } from "./capabilities.ts";
import { MergedPart } from "./merged-part.ts";
import { type ConnectionOf, isSource, type MessageOf } from "./types.ts";

// `merge` of ix does not fit here, because it loses deliveries. test/sources/ix-combinators.test.ts shows it over two subscribers:
// - `return()` while a `next()` waits resolves neither. When "a0" and "a1" then arrive, the canceled `next()` takes "a0", and
//   `merge` pulls "a1" and gives it to nobody.
// - A `break` after "a0" has pulled "a0", "a1" and "b0". The last two are lost.
// - A `break` returns neither source. Both stay busy, each with a waiting `next()`.

/**
 * Several subscriptions as one.
 *
 * - **Fair.** A part that has a message waits for at most one message of each other part. With `takeReady`, it
 *   waits for at most one share of each. The order of each part stays. Between parts there is none.
 * - **Pulls on demand.** It asks a part for its next message only while a `next()` waits. So it may hold one
 *   message of each part, unsettled, for the next call or the next iterator.
 * - **Ends together.** `close()` closes every part. If one part fails, all are closed, and one `next()` rejects
 *   with `SubscriptionFailedError`, whose `cause` is the error of the part. If a part ends by itself, the others go
 *   on.
 *
 * With sources it gives a source, which opens all of them or none. With subscribers it gives a subscriber, and then
 * owns them.
 */
export function merged<const Sources extends readonly SubscriptionSource[]>(
  sources: Sources,
): SubscriptionSource<ConnectionOf<Sources[number]>, Subscriber<MessageOf<Sources[number]>>>;
export function merged<const Subscribers extends readonly Subscriber[]>(
  subscribers: Subscribers,
): Subscriber<MessageOf<Subscribers[number]>>;
export function merged(
  parts: readonly SubscriptionSource[] | readonly Subscriber[],
): SubscriptionSource | Subscriber {
  checkParts(parts);
  return areSources(parts) ? new MergedSource(parts) : new MergedSubscriber(parts);
}

class MergedSource implements SubscriptionSource {
  readonly topic: string;
  readonly capabilities: Capabilities;
  readonly #sources: readonly SubscriptionSource[];

  constructor(sources: readonly SubscriptionSource[]) {
    this.topic = topicOf(sources);
    this.capabilities = mergedCapabilities(
      sources.map(({ capabilities }) => capabilities),
      haveOwnTopics(sources),
    );
    this.#sources = [...sources];
  }

  async open(connection: Connection): Promise<Subscriber> {
    const opened = await Promise.allSettled(this.#sources.map((source) => source.open(connection)));
    const subscribers = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failed = opened.find((result) => result.status === "rejected");
    if (failed === undefined) return new MergedSubscriber(subscribers);
    await Promise.allSettled(subscribers.map((subscriber) => subscriber.close()));
    throw failed.reason;
  }
}

class MergedSubscriber implements Subscriber {
  readonly topic: string;
  /** Of the first part whose clock is not the system's: a part may be where no broker is. */
  readonly clock: Clock;
  readonly #capabilities: LiveCapabilities;
  readonly #parts: readonly MergedPart[];
  readonly #outlet: Outlet<Message>;
  /** Whose turn it is. */
  #turn = 0;
  #closing: Promise<void> | undefined;

  constructor(subscribers: readonly Subscriber[]) {
    this.topic = topicOf(subscribers);
    const ordered = haveOwnTopics(subscribers);
    this.#capabilities = new LiveCapabilities(subscribers, (parts) => mergedCapabilities(parts, ordered));
    const clocks = subscribers.map(({ clock = systemClock }) => clock);
    this.clock = clocks.find((clock) => clock !== systemClock) ?? systemClock;
    this.#outlet = new Outlet(this.topic, {
      take: (max) => this.#take(max),
      wanted: () => this.#pull(),
      released: () => this.#release(),
    });
    this.#parts = subscribers.map((subscriber) => new MergedPart(subscriber, this));
  }

  get capabilities(): Capabilities {
    return this.#capabilities.now;
  }

  [Symbol.asyncIterator](): SubscriberIterator {
    this.#outlet.refuseSecond();
    if (!this.#outlet.over) this.#openParts();
    return this.#outlet.iterate();
  }

  async close(): Promise<void> {
    this.#outlet.end();
    await this.#closeParts();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal A part has something, or will never have again. */
  arrived(): void {
    this.#outlet.serve();
    if (this.#parts.every((part) => part.over)) this.#outlet.end();
    else if (this.#outlet.waiting > 0) this.#pull();
  }

  /** @internal */
  failed(part: Subscriber, cause: unknown): void {
    if (this.#outlet.over) return;
    const closing = this.#closeParts();
    const reason = `its part "${part.topic}" failed`;
    this.#outlet.end({ error: new SubscriptionFailedError({ topic: this.topic, reason, cause }) });
    // Whoever calls close() is told as well; this is for the case that nobody does.
    closing.catch((error: unknown) => diagnostics["tidelane:error"].publish({ topic: this.topic, error }));
  }

  #take(max: number): Message[] {
    const taken: Message[] = [];
    const count = this.#parts.length;
    for (let empty = 0; empty < count && taken.length < max; ) {
      const share = Math.ceil((max - taken.length) / count);
      const got = this.#parts[this.#turn]?.take(share) ?? [];
      taken.push(...got);
      empty = got.length === 0 ? empty + 1 : 0;
      this.#turn = (this.#turn + 1) % count;
    }
    return taken;
  }

  #pull(): void {
    for (const part of this.#parts) part.pull();
  }

  /** All or none: a part that is busy leaves none of the others taken. */
  #openParts(): void {
    try {
      for (const part of this.#parts) part.iterate();
    } catch (error) {
      void Promise.allSettled(this.#parts.map((part) => part.release()));
      throw error;
    }
  }

  async #release(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.release()));
  }

  #closeParts(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#parts.map((part) => part.close())).then((results) => {
      const failed = results.find((result) => result.status === "rejected");
      if (failed) throw failed.reason;
    });
    return this.#closing;
  }
}

function areSources(
  parts: readonly SubscriptionSource[] | readonly Subscriber[],
): parts is readonly SubscriptionSource[] {
  return parts.every(isSource);
}

function checkParts(parts: readonly (SubscriptionSource | Subscriber)[]): void {
  const expected = "a list of at least one source or subscriber, none of them twice";
  if (!Array.isArray(parts) || parts.length === 0 || new Set(parts).size < parts.length) {
    throw new InvalidArgumentError({ argument: "merged(parts)", expected, received: parts });
  }
  if (new Set(parts.map(isSource)).size > 1) {
    throw new InvalidArgumentError({
      argument: "merged(parts)",
      expected: "all sources or all subscribers",
      received: parts,
    });
  }
}

function topicOf(parts: readonly { readonly topic: string }[]): string {
  return parts.length === 1 && parts[0]
    ? parts[0].topic
    : `merged(${parts.map(({ topic }) => topic).join(", ")})`;
}

/** Two parts of one topic may share its messages, as one group does, and then neither has them all in order. */
function haveOwnTopics(parts: readonly { readonly topic: string }[]): boolean {
  return new Set(parts.map(({ topic }) => topic)).size === parts.length;
}

function mergedCapabilities(parts: readonly Capabilities[], ordered: boolean): Capabilities {
  const least = weakest(parts);
  return ordered ? least : { ...least, order: "none" };
}
