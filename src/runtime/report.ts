import { diagnostics } from "../traits/diagnostics.ts";
import type { Message } from "../traits/message.ts";
import type { Delivery, Settlement } from "./delivery.ts";
import { isThenable } from "./thenable.ts";
import { sentenceOf } from "./thrown.ts";

/** Told of every failure that no promise carries: a handler that threw, a payload that did not decode, a lost settle. */
export type ErrorListener = (error: unknown, message: Message | undefined) => void;

const { "tidelane:delivery": deliveries, "tidelane:settle": settles } = diagnostics;
const { "tidelane:retry": retries, "tidelane:error": errors } = diagnostics;

/** What one run says of itself. Builds nothing unless somebody listens. */
export class Reporter<M extends Message> {
  readonly #topic: string;
  readonly #onError: ErrorListener | undefined;
  /** A run whose failures nobody listens to says so once for each thing they come to, as a process warning. */
  readonly #warned = new Set<string>();

  constructor(topic: string, onError: ErrorListener | undefined) {
    this.#topic = topic;
    this.#onError = onError;
  }

  delivered(message: M): void {
    if (deliveries.hasSubscribers) deliveries.publish({ message });
  }

  retrying(delivery: Delivery<M, unknown>, delayMs: number, error: unknown): void {
    if (!retries.hasSubscribers) return;
    retries.publish({ message: delivery.message, attempt: delivery.attempt, delayMs, error });
  }

  left(delivery: Delivery<M, unknown>, settlement: Settlement, error: unknown): void {
    if (!settles.hasSubscribers) return;
    const { message, attempt } = delivery;
    settles.publish({ message, outcome: settlement, attempt, ...(error === undefined ? {} : { error }) });
  }

  /** `what` it comes to for the delivery. */
  failed(error: unknown, message?: M, what: "failed" | "was dropped" = "failed"): void {
    if (errors.hasSubscribers) {
      errors.publish({ topic: this.#topic, error, ...(message === undefined ? {} : { message }) });
    } else if (this.#onError === undefined) {
      this.#warnOnce(error, what);
    }
    if (this.#onError === undefined) return;
    try {
      const returned: unknown = this.#onError(error, message);
      // The type says void, and takes an async function all the same; nobody else owns its promise.
      if (isThenable(returned)) returned.then(undefined, (thrown) => this.#warnOfListener(thrown));
    } catch (thrown) {
      this.#warnOfListener(thrown);
    }
  }

  #warnOfListener(thrown: unknown): void {
    warn(`onError of "${this.#topic}" threw: ${sentenceOf(thrown)}`);
  }

  #warnOnce(error: unknown, what: string): void {
    if (this.#warned.has(what)) return;
    this.#warned.add(what);
    warn(
      `A delivery of "${this.#topic}" ${what} and nobody listens: ${sentenceOf(error)}. Pass { onError } to pipeline(), or subscribe to the diagnostics channel "tidelane:error". Said once for this run.`,
    );
  }
}

function warn(text: string): void {
  process.emitWarning(text, "TidelaneWarning");
}
