import type { BatchSubscriber, Message } from "../../src/traits/index.ts";
import type { Delivery, Seat } from "../model/records.ts";
import { nameOf } from "../model/records.ts";
import { nameOfError } from "../model/settling.ts";
import { settle } from "./settle.ts";
import type { Stage } from "./stage.ts";

const law = ["batches-bounded"] as const;

/** Reads a subscriber in batches, settles their deliveries one by one, and holds each batch against its bounds. */
export class BatchReader {
  readonly #stage: Stage;
  readonly #seat: Seat;
  readonly #max: number;
  readonly #maxWaitMs: number;
  /** Which deliveries, by their number, are requeued. */
  readonly #requeued: ReadonlySet<number>;
  #deliveries = 0;

  constructor(
    stage: Stage,
    seat: Seat,
    facts: { readonly max: number; readonly maxWaitMs: number; readonly requeued: ReadonlySet<number> },
  ) {
    this.#stage = stage;
    stage.uses.add("batches-bounded");
    this.#seat = seat;
    this.#max = facts.max;
    this.#maxWaitMs = facts.maxWaitMs;
    this.#requeued = facts.requeued;
  }

  /** Until the subscriber closes. Never rejects. */
  async read(subscriber: BatchSubscriber): Promise<void> {
    const { clock } = this.#stage.pace;
    try {
      const batches = subscriber.batches({ max: this.#max, maxWaitMs: this.#maxWaitMs });
      const iterator = batches[Symbol.asyncIterator]();
      while (true) {
        const asked = { at: clock.now(), event: this.#stage.ledger.event };
        const result = await iterator.next();
        if (result.done === true) return;
        await this.#take(result.value, asked);
      }
    } catch (error) {
      this.#stage.violate(
        law,
        `the iteration of batches rejected with ${nameOfError(error)}`,
        "it ends by close()",
      );
    }
  }

  /** Gives the last batch its time, and holds that nothing is left over. */
  async finish(): Promise<void> {
    const { pace, ledger, subject } = this.#stage;
    for (let rounds = 0; rounds < 4 && ledger.owed(this.#seat.group).length > 0; rounds += 1) {
      await pace.advance(this.#maxWaitMs + (pace.virtual ? 0 : subject.timings.arrivalMs / 4));
    }
    for (const copy of ledger.owed(this.#seat.group)) ledger.missing(copy, "in any batch");
    this.#stage.check();
  }

  async #take(batch: readonly Message[], asked: { at: number; event: number }): Promise<void> {
    const line = this.#stage.trace.line(`batch of at most ${this.#max} in ${this.#maxWaitMs} ms`);
    const size = `a batch with max ${this.#max} has ${batch.length} deliveries`;
    if (batch.length < 1 || batch.length > this.#max) this.#stage.violate(law, size, "1 to max");
    const { ledger } = this.#stage;
    const deliveries = batch.map((message) => ledger.delivered(this.#seat, message, asked.event));
    line.outcome(
      deliveries.map((delivery) => (delivery === undefined ? "a stranger" : nameOf(delivery))).join(" "),
    );
    this.#checkTime(deliveries, asked.at);
    for (const delivery of deliveries) if (delivery !== undefined) await this.#settle(delivery);
  }

  #checkTime(batch: readonly (Delivery | undefined)[], askedMs: number): void {
    const { pace, subject } = this.#stage;
    const size = batch.length;
    // The first delivery of a batch comes when it is asked for, or published. A requeue is over before the asking.
    const published = batch.flatMap((delivery) => delivery?.copy.posting.startedMs ?? []);
    const waited = pace.clock.now() - Math.max(askedMs, Math.min(...published));
    const late = waited > this.#maxWaitMs + (pace.virtual ? 0 : subject.timings.arrivalMs);
    const early = pace.virtual && size < this.#max && waited < this.#maxWaitMs;
    if (!late && !early) return;
    const observed = `a batch of ${size} closed ${waited} ms after its first delivery`;
    this.#stage.violate(law, observed, `when it has ${this.#max}, or after ${this.#maxWaitMs} ms`);
  }

  async #settle(delivery: Delivery): Promise<void> {
    this.#deliveries += 1;
    const back = this.#requeued.has(this.#deliveries - 1) && delivery.nth === 1;
    await settle(this.#stage, delivery, back ? "requeue" : "ack");
  }
}
