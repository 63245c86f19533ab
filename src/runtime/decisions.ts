import { DecodeError, type KeyError, MissingDeadLetterError, type TimeoutError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Delivery } from "./delivery.ts";
import type { DispatchState } from "./dispatch-state.ts";
import { isDecided, type MiddlewareOutcome } from "./outcome.ts";
import type { Retries } from "./retries.ts";
import { type Decision, decide, nextStep, setAside } from "./settle.ts";
import type { Settling } from "./settling.ts";
import { isReason } from "./thrown.ts";

/** Reads what came of a delivery, reports a failure with what comes next, and has that done: leave, retry or settle. */
export class Decisions<M extends Message, Value> {
  readonly #state: DispatchState<M, Value>;
  readonly #retries: Retries<M, Value>;
  readonly #settling: Settling<M, Value>;

  constructor(state: DispatchState<M, Value>, retries: Retries<M, Value>, settling: Settling<M, Value>) {
    this.#state = state;
    this.#retries = retries;
    this.#settling = settling;
  }

  /** Its handler came to `given`. `late`: that was after its time was up. */
  ran(delivery: Delivery<M, Value>, given: MiddlewareOutcome, late: TimeoutError | undefined): void {
    const { policy, random } = this.#state.config;
    const outcome = this.#read(delivery, given, late);
    const decision = outcome.kind === "ack" ? outcome : decide(outcome, delivery, policy, random);
    if (outcome.kind === "failure") this.#failed(delivery, outcome.error, decision);
    // Whoever was told of the failure may have settled the message or stopped the run.
    const { message } = delivery;
    if (message.settled) this.#state.leave(delivery, "by-handler");
    else if (message.revoked) this.#state.leaveRevoked(delivery, message.revoked);
    else if (this.#state.halted && !isDecided(outcome)) delivery.phase = "abandoned";
    else if (decision.kind === "hold") this.#retries.runAgain(delivery, decision.delayMs, outcome);
    else this.#settling.settle(delivery, decision);
  }

  #read(
    delivery: Delivery<M, Value>,
    given: MiddlewareOutcome,
    late: TimeoutError | undefined,
  ): MiddlewareOutcome {
    // A run that is halted carries out what a handler decides, even late; else its message would come again.
    if (late && !(this.#state.halted && isDecided(given))) return { kind: "failure", error: late };
    if (given.kind !== "dead-letter") return given;
    const { deadLetter } = this.#state.config.policy;
    if (typeof deadLetter === "object" || deadLetter === "broker") return given;
    return { kind: "failure", error: new MissingDeadLetterError({ topic: delivery.topic }) };
  }

  #failed(delivery: Delivery<M, Value>, error: unknown, decision: Decision): void {
    const { config, counters, halted } = this.#state;
    // A handler that gave up because the run was halted did what it was told.
    if (halted && isReason(error, delivery.signal.reason)) return;
    counters.failures += 1;
    const isOver = delivery.message.settled || delivery.message.revoked || halted;
    config.reporter.failed(error, delivery, isOver ? undefined : nextStep(decision));
  }

  /** No value or no key: it goes where dead letters go. Without such a place a payload is dropped and said so. */
  readonly unrunnable = (delivery: Delivery<M, Value>, error: DecodeError | KeyError): void => {
    const { config, counters } = this.#state;
    const aside = setAside(error, config.policy);
    const isFatal = aside === undefined && !(error instanceof DecodeError);
    const decision = aside ?? { kind: "drop" };
    config.reporter.failed(error, delivery, isFatal ? { kind: "end" } : nextStep(decision));
    if (error instanceof DecodeError) counters.undecodable += 1;
    if (isFatal) {
      delivery.phase = "abandoned";
      config.fatal(error);
      return;
    }
    this.#settling.settle(delivery, decision);
  };
}
