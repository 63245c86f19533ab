import type { KeyError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import { Decisions } from "./decisions.ts";
import type { Delivery } from "./delivery.ts";
import type { DispatchConfig } from "./dispatch-config.ts";
import { DispatchState } from "./dispatch-state.ts";
import { HandlerRuns } from "./handler-runs.ts";
import type { InFlight } from "./in-flight.ts";
import { keyOf } from "./key.ts";
import { Keyless } from "./keyless.ts";
import { Retries } from "./retries.ts";
import { Settling } from "./settling.ts";
import type { RunStats } from "./stats.ts";
import { decodeInto } from "./undecodable.ts";

/**
 * Takes deliveries in, gives each its lane, and starts those that may run. From there a delivery goes on by itself:
 * `HandlerRuns` runs it, `Decisions` reads what came of it, `Retries` and `Settling` carry that out.
 */
export class Dispatcher<M extends Message, Value> {
  readonly #state: DispatchState<M, Value>;
  readonly #decisions: Decisions<M, Value>;
  readonly #runs: HandlerRuns<M, Value>;
  /** Set where a forgotten key costs the order. */
  readonly #keyless: Keyless<Value> | undefined;

  constructor(config: DispatchConfig<M, Value>) {
    const { selector, workers, topic, reporter } = config;
    this.#state = new DispatchState(config);
    const retries = new Retries(this.#state);
    const settling = new Settling(this.#state, retries);
    this.#decisions = new Decisions(this.#state, retries, settling);
    this.#runs = new HandlerRuns(this.#state, this.#decisions);
    if (selector && workers > 1) {
      this.#keyless = new Keyless(selector, topic, workers, (sentence) => reporter.noticed(sentence));
    }
  }

  get inFlight(): InFlight<M, Value> {
    return this.#state.inFlight;
  }

  get room(): number {
    return this.#state.room;
  }

  /** Handlers that have not returned, and settles that have not been answered. */
  get active(): number {
    return this.#state.active;
  }

  /** Whose handlers were given up after a timeout, and have not returned. */
  get abandoned(): Iterable<Delivery<M, Value>> {
    return this.#runs.abandoned;
  }

  get stats(): Omit<RunStats, "continuations"> {
    return this.#state.stats;
  }

  /** Takes one delivery in. The promise, where there is one, is the wait for a value the key is computed from. */
  admit(message: M): Promise<void> | undefined {
    const { selector, decode } = this.#state.config;
    const delivery = this.#state.arrive(message);
    if (decode === undefined) {
      // Without a decoder the value is the message itself; the pipeline types it so.
      delivery.value = message as unknown as Value;
      delivery.decoded = true;
    } else if (selector?.readsValue) {
      const decoding = decodeInto(delivery, decode, this.#decisions.unrunnable);
      if (decoding !== undefined) return decoding.then(() => this.#enterLane(delivery));
    }
    this.#enterLane(delivery);
    return undefined;
  }

  #enterLane(delivery: Delivery<M, Value>): void {
    const { config, lanes, halted } = this.#state;
    if (delivery.phase !== "arriving" || halted) return;
    const { selector } = config;
    if (selector) {
      try {
        // A selector that does not read the value is called before there is one.
        delivery.key = keyOf(selector, delivery.value as Value, delivery.message);
      } catch (error) {
        this.#decisions.unrunnable(delivery, error as KeyError);
        return;
      }
      if (delivery.key === undefined) this.#keyless?.add(delivery.sequence);
    }
    delivery.phase = "waiting";
    lanes.add(delivery);
  }

  /** Starts what may run. Returns when every worker is busy or nothing is runnable. */
  startRunnable(): void {
    while (this.#runs.hasIdleWorker && !this.#state.halted) {
      const delivery = this.#state.lanes.take();
      if (delivery === undefined) return;
      const { settled, revoked } = delivery.message;
      if (settled) this.#state.leave(delivery, "by-handler");
      else if (revoked) this.#state.leaveRevoked(delivery, revoked);
      else this.#runs.start(delivery);
    }
  }

  /** Nothing is in flight: holds no timer. */
  rest(): void {
    this.#runs.rest();
  }

  /** Starts nothing any more; tells running handlers to give up. What waits stays unsettled. */
  halt(reason: unknown): void {
    this.#state.halted = true;
    this.#runs.halt();
    this.#state.trouble.stop();
    for (const delivery of this.#state.inFlight) {
      delivery.timer?.cancel();
      delivery.timer = undefined;
      if (delivery.phase === "running") delivery.abort(reason);
    }
  }
}
