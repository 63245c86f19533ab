import { isTidelaneError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Delivery, Settlement } from "./delivery.ts";
import type { DispatchState } from "./dispatch-state.ts";
import { counterOf } from "./stats.ts";

/** Every delivery that leaves does so here, once: it is counted, and the next one of its lane may run. */
export class Departures<M extends Message, Value> {
  readonly #state: DispatchState<M, Value>;

  constructor(state: DispatchState<M, Value>) {
    this.#state = state;
  }

  /** The broker took it back, or its settle failed and leaves no other. */
  leaveRevoked(delivery: Delivery<M, Value>, error: unknown): void {
    const { reporter } = this.#state.config;
    if (!isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED")) reporter.failed(error, delivery);
    this.leave(delivery, "revoked", error);
  }

  leave(delivery: Delivery<M, Value>, settlement: Settlement, error?: unknown): void {
    const { config, counters, inFlight, lanes, trouble } = this.#state;
    counters[counterOf[settlement]] += 1;
    inFlight.remove(delivery);
    if (delivery.trouble !== undefined) trouble.mark(delivery, undefined);
    config.reporter.left(delivery, settlement, error);
    lanes.finish(delivery);
    if (delivery.continuations) config.continued(delivery, settlement);
  }
}
