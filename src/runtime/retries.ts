import type { Message } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";
import type { DispatchState } from "./dispatch-state.ts";
import type { MiddlewareOutcome } from "./outcome.ts";

/** What is tried again here, after a delay: a run of the handler, or a settle. The lane of the delivery waits for it. */
export class Retries<M extends Message, Value> {
  readonly #state: DispatchState<M, Value>;

  constructor(state: DispatchState<M, Value>) {
    this.#state = state;
  }

  /** Runs the handler again, ahead of all that came later with its key. `outcome`: why. */
  runAgain(delivery: Delivery<M, Value>, delayMs: number, outcome: MiddlewareOutcome): void {
    const { config, counters, lanes, trouble } = this.#state;
    const error = outcome.kind === "failure" ? outcome.error : undefined;
    config.reporter.retrying(delivery, delayMs, error);
    delivery.retries += 1;
    delivery.continuations = undefined;
    delivery.renew();
    counters.retries += 1;
    trouble.retry(delivery, outcome.kind === "retry" && outcome.delayMs !== undefined);
    this.waitThen(delivery, delayMs, () => lanes.again(delivery));
  }

  /** Holds the delivery, and with it its lane, until the delay is over; a revocation ends the wait. */
  waitThen(delivery: Delivery<M, Value>, delayMs: number, then: () => void): void {
    const { clock, changed } = this.#state.config;
    const { signal } = delivery.message;
    const resume = (step: () => void): void => {
      delivery.timer?.cancel();
      delivery.timer = undefined;
      signal.removeEventListener("abort", onRevoked);
      if (this.#state.halted) return;
      step();
      changed();
    };
    const onRevoked = (): void => resume(() => this.#state.leaveRevoked(delivery, signal.reason));
    delivery.phase = "waiting";
    delivery.timer = clock.schedule(delayMs, () => resume(then));
    signal.addEventListener("abort", onRevoked, { once: true });
  }
}
