import type { BatchOptions, BatchSubscriber, Message } from "../../src/traits/index.ts";
import type { Seat } from "../model/records.ts";
import type { Stage } from "./stage.ts";

type Batch = IteratorResult<readonly Message[], undefined>;

const law = ["batches-bounded"] as const;

/** A loop over the batches of a subscriber, in place of one over its deliveries. */
export class BatchLoop {
  /** Batches have no fast path. */
  readonly takeReady?: undefined;
  readonly maxWaitMs: number;
  readonly #stage: Stage;
  readonly #seat: Seat;
  readonly #max: number;
  readonly #iterator: AsyncIterator<readonly Message[], undefined, undefined>;
  #waiting = 0;
  #over = false;

  constructor(stage: Stage, seat: Seat, subscriber: BatchSubscriber, options: Required<BatchOptions>) {
    this.#stage = stage;
    this.#seat = seat;
    this.#max = options.max;
    this.maxWaitMs = options.maxWaitMs;
    stage.uses.add("batches-bounded");
    this.#iterator = subscriber.batches(options)[Symbol.asyncIterator]();
  }

  async next(): Promise<Batch> {
    const { ledger } = this.#stage;
    this.#waiting += 1;
    ledger.forming(this.#seat, this.#seat.state === "open");
    try {
      const result = await this.#iterator.next();
      if (result.done !== true) this.#checkSize(result.value);
      return result;
    } finally {
      this.#waiting -= 1;
    }
  }

  async return(): Promise<void> {
    this.#over = true;
    this.#stage.patience.forget();
    await this.#iterator.return?.();
  }

  /** What was handed out was taken note of: only what forms for another call is unseen. */
  noted(): void {
    if (this.#waiting === 0 && !this.#over) this.#stage.ledger.forming(this.#seat, false);
  }

  #checkSize(batch: readonly Message[]): void {
    if (batch.length >= 1 && batch.length <= this.#max) return;
    const observed = `a batch of ${this.#seat.name} with max ${this.#max} has ${batch.length} deliveries`;
    this.#stage.violate(law, observed, "it has 1 to max");
  }
}
