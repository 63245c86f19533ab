import { nextTurn } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";
import type { Reporter } from "./report.ts";

/** At most so many deliveries are named. */
const mostNamed = 5;

/**
 * What was in flight when the stream ended by itself. If its connection or subscriber was closed under the run, these
 * deliveries are revoked; if the source had no more, they are handled to the end.
 */
export class CutOff<M extends Message> {
  readonly #topic: string;
  readonly #held: readonly Delivery<M, unknown>[];
  readonly #reporter: Reporter<M>;
  #isTold = false;

  constructor(topic: string, inFlight: Iterable<Delivery<M, unknown>>, reporter: Reporter<M>) {
    this.#topic = topic;
    this.#held = Array.from(inFlight);
    this.#reporter = reporter;
  }

  /** A subscriber that was closed revokes them within a turn of the event loop. */
  async tellSoon(): Promise<void> {
    await nextTurn();
    this.tell();
  }

  /** Names those that are revoked, if there are any, and once. */
  tell(): void {
    const revoked = this.#isTold ? [] : this.#held.filter(({ message }) => message.revoked !== undefined);
    if (revoked.length === 0) return;
    this.#isTold = true;
    this.#reporter.noticed(sentenceAbout(this.#topic, revoked));
  }
}

function sentenceAbout(topic: string, revoked: readonly Delivery<Message, unknown>[]): string {
  const named = revoked
    .slice(0, mostNamed)
    .map(({ key, attempt }) =>
      key === undefined ? `attempt ${attempt}` : `key "${key}" attempt ${attempt}`,
    );
  const more = revoked.length > mostNamed ? ", ..." : "";
  return `The subscription of "${topic}" was closed under its running pipeline: ${revoked.length} deliveries in flight were not settled (${named.join(", ")}${more}), and the broker may deliver them again. Await run.drain() before you close the connection.`;
}
