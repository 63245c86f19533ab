import type { Clock, Timer } from "../traits/clock.ts";
import type { Counters } from "./stats.ts";

/** Without a pull for so long, for lack of room, the intake has stalled if it is failures that take the room. */
export const stallAfterMs = 5_000;

interface Troubled {
  trouble: "retrying" | "blocked" | undefined;
}

/** Counts the deliveries that failed and are still in flight, and notices when they have taken the room for all others. */
export class Trouble {
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #maxInFlight: number;
  readonly #isFull: () => boolean;
  readonly #stalled: (failing: number) => void;
  /** Armed while deliveries that failed fill half the room or more. */
  #timer: Timer | undefined;
  /** How many had been pulled when the intake was found stalled. */
  #stalledAt: number | undefined;
  #over = false;

  constructor(
    counters: Counters,
    { clock, maxInFlight }: { readonly clock: Clock; readonly maxInFlight: number },
    isFull: () => boolean,
    stalled: (failing: number) => void,
  ) {
    this.#counters = counters;
    this.#clock = clock;
    this.#maxInFlight = maxInFlight;
    this.#isFull = isFull;
    this.#stalled = stalled;
  }

  get isStalled(): boolean {
    return this.#stalledAt === this.#counters.pulled && this.#isFull();
  }

  /** What the trouble of a delivery is from now on. */
  mark(delivery: Troubled, trouble: Troubled["trouble"]): void {
    if (delivery.trouble) this.#counters[delivery.trouble] -= 1;
    delivery.trouble = trouble;
    if (trouble) this.#counters[trouble] += 1;
    this.#watch();
  }

  stop(): void {
    this.#over = true;
    this.#watch();
  }

  #watch(): void {
    const { pulled, retrying, blocked } = this.#counters;
    const failing = retrying + blocked;
    if (this.#over || failing * 2 < this.#maxInFlight) {
      this.#timer?.cancel();
      this.#timer = undefined;
      return;
    }
    this.#timer ??= this.#clock.schedule(stallAfterMs, () => {
      this.#timer = undefined;
      if (this.#counters.pulled === pulled && this.#stalledAt !== pulled && this.#isFull()) {
        this.#stalledAt = pulled;
        this.#stalled(this.#counters.retrying + this.#counters.blocked);
      }
      this.#watch();
    });
  }
}
