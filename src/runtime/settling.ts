import { type Message, settledAtOnce } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";
import type { DispatchState } from "./dispatch-state.ts";
import { backoffDelay } from "./failure-policy.ts";
import type { FailureOutcome } from "./outcome.ts";
import type { Retries } from "./retries.ts";
import { isFinal, type SettlingDecision, settle } from "./settle.ts";

/** Settles deliveries, and again while that fails and leaves the message unsettled; then they leave. */
export class Settling<M extends Message, Value> {
  readonly #state: DispatchState<M, Value>;
  readonly #retries: Retries<M, Value>;

  constructor(state: DispatchState<M, Value>, retries: Retries<M, Value>) {
    this.#state = state;
    this.#retries = retries;
  }

  settle(delivery: Delivery<M, Value>, decision: SettlingDecision): void {
    const { config, counters } = this.#state;
    delivery.phase = "settling";
    counters.settling += 1;
    const settling = settle(delivery, decision, config.policy.deadLetter);
    if (settling !== settledAtOnce) {
      void this.#awaitSettle(delivery, decision, settling);
      return;
    }
    counters.settling -= 1;
    this.#state.leave(delivery, decision.kind);
  }

  async #awaitSettle(
    delivery: Delivery<M, Value>,
    decision: SettlingDecision,
    settling: Promise<void>,
  ): Promise<void> {
    let failure: FailureOutcome | undefined;
    try {
      await settling;
    } catch (error) {
      failure = { kind: "failure", error };
    }
    this.#state.counters.settling -= 1;
    if (failure) this.#failed(delivery, decision, failure.error);
    else this.#state.leave(delivery, decision.kind);
    this.#state.config.changed();
  }

  #failed(delivery: Delivery<M, Value>, decision: SettlingDecision, error: unknown): void {
    const { message } = delivery;
    if (message.settled || message.revoked) {
      this.#state.leaveRevoked(delivery, message.revoked ?? error);
      return;
    }
    const { policy, random, reporter, fatal } = this.#state.config;
    // A dead letter that its publisher can never publish. The handler's verdict cannot be carried out by anybody here, and
    // trying for ever would keep the lane; the delivery stays unsettled, and the run says why.
    const hopeless = decision.kind === "dead-letter" && isFinal(error);
    const delayMs = backoffDelay(policy.backoff, delivery.settleRetries + 1, random);
    const next = hopeless ? ({ kind: "end" } as const) : ({ kind: "settle", delayMs } as const);
    reporter.failed(error, delivery, this.#state.halted ? undefined : next);
    if (hopeless || this.#state.halted) {
      delivery.phase = "abandoned";
      if (hopeless) fatal(error);
      return;
    }
    this.#settleAgain(delivery, decision, delayMs);
  }

  /**
   * Still unsettled: the dead letter could not be published, or the transport refused. The lane waits, and the same decision
   * is carried out again; running the handler again would be a second verdict.
   */
  #settleAgain(delivery: Delivery<M, Value>, decision: SettlingDecision, delayMs: number): void {
    delivery.settleRetries += 1;
    this.#state.trouble.mark(delivery, "blocked");
    this.#retries.waitThen(delivery, delayMs, () => this.settle(delivery, decision));
  }
}
