import { diagnostics } from "../../traits/diagnostics.ts";

/**
 * Reports a lost connection and its return, on the channel "tidelane:reconnect". Without a listener it prints a
 * process warning, once for each.
 */
export class ReconnectReport {
  readonly #broker: string;
  /** A warning of the loss was printed, and none of the return yet. */
  #warned = false;

  /** `broker` names what is lost, as the sentences show it. */
  constructor(broker: string) {
    this.#broker = broker;
  }

  /**
   * The connection was lost, or attempt number `attempt` to restore it failed. `error` holds no credential.
   * `isFinal`: there will be no further attempt.
   */
  lost(attempt: number, error?: unknown, isFinal = false): void {
    const channel = diagnostics["tidelane:reconnect"];
    if (channel.hasSubscribers) {
      channel.publish({
        broker: this.#broker,
        state: "lost",
        attempt,
        ...(error === undefined ? {} : { error }),
      });
    } else if (!this.#warned || isFinal) {
      this.#warned = true;
      const reason = error instanceof Error ? ` (${error.message.replace(/\.$/, "")})` : "";
      const next = isFinal ? "it is closed, as reconnecting is over" : "tidelane keeps trying to restore it";
      warn(`The connection to "${this.#broker}" is lost${reason}; ${next}.`);
    }
  }

  /** The connection is restored, after that many attempts. */
  restored(attempt: number): void {
    const channel = diagnostics["tidelane:reconnect"];
    if (channel.hasSubscribers) channel.publish({ broker: this.#broker, state: "restored", attempt });
    if (!this.#warned) return;
    this.#warned = false;
    if (!channel.hasSubscribers) warn(`The connection to "${this.#broker}" is restored.`);
  }
}

function warn(text: string): void {
  process.emitWarning(text, "TidelaneWarning");
}
