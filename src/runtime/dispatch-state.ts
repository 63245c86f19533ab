import { isTidelaneError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import { Delivery, type Settlement } from "./delivery.ts";
import type { DispatchConfig } from "./dispatch-config.ts";
import { InFlight } from "./in-flight.ts";
import { Lanes } from "./lanes.ts";
import { stallError } from "./stall-watch.ts";
import { type Counters, counterOf, newCounters, type RunStats } from "./stats.ts";
import { Trouble } from "./trouble.ts";

/**
 * Where the deliveries of a run are, and how many. The steps of a delivery share it. Every delivery comes in through
 * `arrive` and goes out through `leave`, `running` changes in `HandlerRuns` and `settling` in `Settling` only.
 *
 * Invariants between calls: `running <= workers`; at most one delivery of a key is running, settling or holding;
 * `running = workers` or no lane entry is runnable, unless the dispatcher was halted.
 */
export class DispatchState<M extends Message, Value> {
  readonly config: DispatchConfig<M, Value>;
  readonly counters: Counters = newCounters();
  readonly inFlight: InFlight<M, Value> = new InFlight<M, Value>();
  readonly lanes: Lanes<Delivery<M, Value>> = new Lanes<Delivery<M, Value>>();
  readonly trouble: Trouble;
  /** Once halted nothing starts any more, and a failed run is left unsettled instead of retried. */
  halted = false;
  #sequence = 0;

  constructor(config: DispatchConfig<M, Value>) {
    const { clock, topic, reporter } = config;
    this.config = config;
    this.trouble = new Trouble(this.counters, clock, {
      isStuck: () => this.#isStuck(),
      stalled: () => reporter.failed(stallError(topic, this.inFlight.size, this.trouble.failing)),
    });
  }

  get room(): number {
    return this.config.maxInFlight - this.inFlight.size;
  }

  /** Handlers that have not returned, and settles that have not been answered. */
  get active(): number {
    return this.counters.running + this.counters.settling;
  }

  get stats(): Omit<RunStats, "continuations"> {
    const { size: inFlight, peak: peakInFlight } = this.inFlight;
    const waiting = inFlight - this.active;
    const stalled = this.trouble.isStalled;
    return { ...this.counters, inFlight, waiting, peakInFlight, lanes: this.lanes.size, stalled };
  }

  arrive(message: M): Delivery<M, Value> {
    this.counters.pulled += 1;
    const delivery = new Delivery<M, Value>(this.#sequence++, message);
    this.inFlight.add(delivery);
    this.config.reporter.delivered(message);
    return delivery;
  }

  leave(delivery: Delivery<M, Value>, settlement: Settlement, error?: unknown): void {
    this.counters[counterOf[settlement]] += 1;
    this.inFlight.remove(delivery);
    if (delivery.trouble !== undefined) this.trouble.mark(delivery, undefined);
    this.config.reporter.left(delivery, settlement, error);
    this.lanes.finish(delivery);
    if (delivery.continuations) this.config.continued(delivery, settlement);
  }

  /** The broker took it back, or what its settle came to leaves nothing to try again. */
  leaveRevoked(delivery: Delivery<M, Value>, error: unknown): void {
    if (!isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED")) this.config.reporter.failed(error, delivery);
    this.leave(delivery, "revoked", error);
  }

  /**
   * No room, and failures to blame. A worker that has nothing to do shows that nothing else may run; failures that fill half
   * the room are enough where handlers that hang keep all workers.
   */
  #isStuck(): boolean {
    const { maxInFlight, pulling, workers } = this.config;
    if (this.room > 0 || !pulling()) return false;
    return this.counters.running < workers || this.trouble.failing * 2 >= maxInFlight;
  }
}
