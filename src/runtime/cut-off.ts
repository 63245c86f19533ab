import type { Message } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";

/** At most so many deliveries are named. */
const mostNamed = 5;

/**
 * What was in flight when the stream ended by itself. If its connection or subscriber was closed under the run, these
 * deliveries are revoked; if the source had no more, they are handled to the end.
 */
export class CutOff<M extends Message> {
  readonly #topic: string;
  readonly #held: readonly Delivery<M, unknown>[];
  #isTold = false;

  constructor(topic: string, inFlight: Iterable<Delivery<M, unknown>>) {
    this.#topic = topic;
    this.#held = Array.from(inFlight);
  }

  /** The sentence about those that are revoked, once there are any; it is given once. */
  tell(): string | undefined {
    const revoked = this.#isTold ? [] : this.#held.filter(({ message }) => message.revoked !== undefined);
    if (revoked.length === 0) return undefined;
    this.#isTold = true;
    const named = revoked
      .slice(0, mostNamed)
      .map(({ key, attempt }) =>
        key === undefined ? `attempt ${attempt}` : `key "${key}" attempt ${attempt}`,
      );
    const more = revoked.length > mostNamed ? ", ..." : "";
    return `The subscription of "${this.#topic}" was closed under its running pipeline: ${revoked.length} deliveries in flight were not settled (${named.join(", ")}${more}), and may come again. Await run.drain() first.`;
  }
}
