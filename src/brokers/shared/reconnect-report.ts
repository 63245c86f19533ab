import { diagnostics } from "../../traits/diagnostics.ts";

/**
 * Tells when a connection goes and when it is back: on the channel "tidelane:reconnect", and where nobody listens there as
 * a process warning, once for the loss and once for the return.
 */
export class ReconnectReport {
  readonly #broker: string;
  /** A loss was warned of and its return was not. */
  #warned = false;

  /** `broker` names what is lost, as the sentences show it. */
  constructor(broker: string) {
    this.#broker = broker;
  }

  /**
   * It is gone, or attempt number `attempt` to bring it back failed. `error` holds no credential. `isFinal`: nothing tries any
   * more.
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

  /** It is back, after that many attempts. */
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
