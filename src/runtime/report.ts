import { diagnostics, type ErrorReport, type NextStep } from "../traits/diagnostics.ts";
import type { Message } from "../traits/message.ts";
import type { Delivery, Settlement } from "./delivery.ts";
import { isThenable } from "./thenable.ts";
import { sentenceOf } from "./thrown.ts";

/**
 * Gets every failure that no promise carries: a handler that threw, a payload that did not decode, a dead letter
 * that could not be published. `next` says what comes next.
 */
export type ErrorListener = (report: ErrorReport & { readonly next: NextStep }) => void;

const { "tidelane:delivery": deliveries, "tidelane:settle": settles } = diagnostics;
const { "tidelane:retry": retries, "tidelane:error": errors } = diagnostics;

/** The delivery something failed for, as far as it is told. */
type FailedDelivery = Pick<Delivery, "message" | "key" | "attempt">;

/** What one run says of itself. Builds nothing unless somebody listens. */
export class Reporter<M extends Message> {
  readonly #topic: string;
  readonly #onError: ErrorListener | undefined;
  /** The kinds of failure this run has warned of. */
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

  failed(error: unknown, delivery?: FailedDelivery, next: NextStep = { kind: "none" }): void {
    const { message, key, attempt } = delivery ?? {};
    const topic = message?.topic ?? this.#topic;
    const report = { error, topic, ...(message && { message, key, attempt: attempt as number }), next };
    this.#tell(report, () => this.#warnOnce(report));
  }

  /** Something is probably not as the program meant it, and nothing has failed. Call it once. */
  noticed(sentence: string): void {
    this.#tell({ error: new Error(sentence), topic: this.#topic, next: { kind: "none" } }, () =>
      warn(sentence),
    );
  }

  #tell(report: ErrorReport & { readonly next: NextStep }, warning: () => void): void {
    const { error } = report;
    if (errors.hasSubscribers) errors.publish(report);
    else if (this.#onError === undefined) warning();
    if (this.#onError === undefined) return;
    try {
      const returned: unknown = this.#onError(report);
      // The type says void, and takes an async function all the same; nobody else owns its promise.
      if (isThenable(returned)) returned.then(undefined, (thrown) => this.#warnOfListener(thrown, error));
    } catch (thrown) {
      this.#warnOfListener(thrown, error);
    }
  }

  #warnOfListener(thrown: unknown, told: unknown): void {
    warn(`onError of "${this.#topic}" threw: ${sentenceOf(thrown)}. It was told of: ${sentenceOf(told)}`);
  }

  #warnOnce({ error, attempt, next }: ErrorReport & { readonly next: NextStep }): void {
    const code = codeOf(error);
    const sentence = sentenceOf(error);
    const kind = `${code ?? sentence.split(":", 1)[0]} ${next.kind}`;
    if (this.#warned.has(kind) || this.#warned.size === mostKinds) return;
    this.#warned.add(kind);
    const who = attempt === undefined ? "The run" : `Attempt ${attempt} of a delivery`;
    const delay = "delayMs" in next ? ` in ${Math.round(next.delayMs)} ms` : "";
    const upcoming = next.kind === "none" ? "" : `Next: ${next.kind}${delay}. `;
    warn(
      `${who} of "${this.#topic}" failed: ${sentence.replace(/\.$/, "")}. ${upcoming}To hear of all, pass onError or subscribe to the diagnostics channel "tidelane:error". Said once for each kind of error.`,
      code,
    );
  }
}

/** A program that names each of its errors otherwise does not fill the log, nor the memory. */
const mostKinds = 100;

export function codeOf(error: unknown): string | undefined {
  try {
    const { code } = error as { readonly code?: unknown };
    return typeof code === "string" ? code : undefined;
  } catch {
    // Anything may be thrown: nothing to read from, or a getter that throws.
    return undefined;
  }
}

export function warn(text: string, code?: string): void {
  process.emitWarning(text, "TidelaneWarning", code);
}
