import { nextTurn } from "../traits/clock.ts";
import type { DecodeError, TimeoutError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Decisions } from "./decisions.ts";
import type { Delivery } from "./delivery.ts";
import type { DispatchState } from "./dispatch-state.ts";
import type { MiddlewareOutcome } from "./outcome.ts";
import { isThenable } from "./thenable.ts";
import { Timeouts } from "./timeouts.ts";
import { decodeInto } from "./undecodable.ts";
import { Worker } from "./worker.ts";

/**
 * Runs a delivery on a worker: its decoder, its handler, and the time the handler has. `start` takes the worker, and
 * `#freeWorker` gives it back at every end of a run.
 */
export class HandlerRuns<M extends Message, Value> {
  readonly #state: DispatchState<M, Value>;
  readonly #decisions: Decisions<M, Value>;
  /** All workers, by number. */
  readonly #workers: Worker<Delivery<M, Value>>[];
  /** Worker numbers not in use; its length is `workers - running`. */
  readonly #idle: number[];
  readonly #timeouts: Timeouts<Delivery<M, Value>> | undefined;
  /** Given up after a timeout; their handlers have not returned. They are not in flight. */
  readonly #abandoned = new Set<Delivery<M, Value>>();

  constructor(state: DispatchState<M, Value>, decisions: Decisions<M, Value>) {
    const { workers, chain, clock, timeoutMs } = state.config;
    this.#state = state;
    this.#decisions = decisions;
    this.#workers = Array.from({ length: workers }, () => new Worker(chain.read, this.#ended));
    this.#idle = Array.from(this.#workers.keys()).reverse();
    this.#timeouts = timeoutMs === undefined ? undefined : new Timeouts(clock, timeoutMs, this.#expired);
  }

  get hasIdleWorker(): boolean {
    return this.#idle.length > 0;
  }

  /** Whose handlers were given up after a timeout, and have not returned. */
  get abandoned(): Iterable<Delivery<M, Value>> {
    return this.#abandoned;
  }

  /** Call only while there is an idle worker. */
  start(delivery: Delivery<M, Value>): void {
    const { config, counters } = this.#state;
    delivery.phase = "running";
    delivery.worker = this.#idle.pop() as number;
    counters.running += 1;
    const { decode } = config;
    const decoding =
      decode && !delivery.decoded ? decodeInto(delivery, decode, this.#undecodable) : undefined;
    if (decoding !== undefined) void decoding.then(() => this.#runLate(delivery));
    else this.#run(delivery);
  }

  /** Nothing is in flight: holds no timer. */
  rest(): void {
    this.#timeouts?.rest();
  }

  /** Nobody's time is up any more. */
  halt(): void {
    this.#timeouts?.stop();
  }

  // ---- the value

  readonly #undecodable = (delivery: Delivery<M, Value>, error: DecodeError): void => {
    this.#freeWorker(delivery);
    this.#decisions.unrunnable(delivery, error);
  };

  /** After a wait for the value, in which the run may have been halted, or the delivery revoked or set aside. */
  #runLate(delivery: Delivery<M, Value>): void {
    const { revoked } = delivery.message;
    if (delivery.phase === "running" && (revoked || this.#state.halted)) {
      this.#freeWorker(delivery);
      delivery.phase = "abandoned";
      if (revoked) this.#state.leaveRevoked(delivery, revoked);
    }
    this.#run(delivery);
    this.#state.config.changed();
  }

  // ---- the handler

  #run(delivery: Delivery<M, Value>): void {
    if (delivery.phase !== "running") return;
    let outcome: MiddlewareOutcome;
    try {
      const { call, read } = this.#state.config.chain;
      // A delivery is its handler's context; with a value in it, it is a middleware's too.
      const returned = call(delivery.value as Value, delivery as Delivery<M, Value> & { value: Value });
      if (isThenable(returned)) {
        this.#timeouts?.started(delivery);
        this.#workers[delivery.worker]?.await(delivery, returned);
        return;
      }
      outcome = read(returned);
    } catch (error) {
      outcome = { kind: "failure", error };
    }
    this.#ran(delivery, outcome);
  }

  readonly #ended = (delivery: Delivery<M, Value>, outcome: MiddlewareOutcome): void => {
    // Whatever a handler that was given up comes to is nobody's.
    if (this.#abandoned.delete(delivery)) return;
    this.#ran(delivery, outcome);
    this.#state.config.changed();
  };

  #ran(delivery: Delivery<M, Value>, outcome: MiddlewareOutcome): void {
    this.#freeWorker(delivery);
    this.#decisions.ran(delivery, outcome, this.#timeouts?.ended(delivery));
  }

  #freeWorker(delivery: Delivery<M, Value>): void {
    if (delivery.phase !== "running") return;
    this.#idle.push(delivery.worker);
    this.#state.counters.running -= 1;
  }

  // ---- its time is up

  readonly #expired = (delivery: Delivery<M, Value>, error: TimeoutError): void => {
    delivery.abort(error);
    if (this.#state.config.onTimeout === "wait") void this.#nameLate(delivery, error);
    else this.#abandon(delivery, error);
  };

  /** A handler that heeds its signal has returned by then, and its failure is told with what comes next. */
  async #nameLate(delivery: Delivery<M, Value>, error: TimeoutError): Promise<void> {
    await nextTurn();
    if (this.#timeouts?.errorOf(delivery) === error) {
      this.#state.config.reporter.failed(error, delivery, { kind: "wait" });
    }
  }

  /**
   * Another worker and another object take the place: the handler that was given up keeps its context, whose signal has
   * aborted, and what it asks of that context is nobody's.
   */
  #abandon(delivery: Delivery<M, Value>, error: TimeoutError): void {
    const { config, inFlight, lanes, trouble } = this.#state;
    trouble.mark(delivery, undefined);
    this.#abandoned.add(delivery);
    this.#workers[delivery.worker] = new Worker(config.chain.read, this.#ended);
    const successor = delivery.succeed();
    inFlight.replace(delivery, successor);
    lanes.replace(delivery, successor);
    this.#ended(successor, { kind: "failure", error });
  }
}
