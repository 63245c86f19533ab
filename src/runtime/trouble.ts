import type { Clock } from "../traits/clock.ts";
import { type StallHooks, StallWatch } from "./stall-watch.ts";
import type { Counters } from "./stats.ts";

interface Troubled {
  trouble: "retrying" | "blocked" | undefined;
}

/**
 * Counts the deliveries that are retried and still in flight, and notices when they have taken the room for all others. One
 * that fails is enough: those that wait behind it in its lane fill the room.
 */
export class Trouble {
  readonly #counters: Counters;
  readonly #watch: StallWatch;
  /** Those of `retrying` whose handlers have only asked for time, once: that is a plan, and no failure. */
  readonly #paused = new Set<Troubled>();
  #over = false;

  constructor(counters: Counters, clock: Clock, hooks: Omit<StallHooks, "pulled">) {
    this.#counters = counters;
    this.#watch = new StallWatch(clock, {
      pulled: () => counters.pulled,
      isStuck: () => hooks.isStuck(),
      stalled: () => hooks.stalled(),
    });
  }

  /** Failed, or asked for a retry more than once, and still in flight. */
  get failing(): number {
    return this.#counters.retrying + this.#counters.blocked - this.#paused.size;
  }

  get isStalled(): boolean {
    return this.failing > 0 && this.#watch.isStalled;
  }

  /** What the trouble of a delivery is from now on. */
  mark(delivery: Troubled, trouble: Troubled["trouble"]): void {
    this.#paused.delete(delivery);
    this.#count(delivery, trouble);
  }

  /** It is retried here. `isAsked`: its handler asked for a time, with `retryAfter`. */
  retry(delivery: Troubled, isAsked: boolean): void {
    if (isAsked && delivery.trouble === undefined) this.#paused.add(delivery);
    else this.#paused.delete(delivery);
    this.#count(delivery, "retrying");
  }

  #count(delivery: Troubled, trouble: Troubled["trouble"]): void {
    if (delivery.trouble) this.#counters[delivery.trouble] -= 1;
    delivery.trouble = trouble;
    if (trouble) this.#counters[trouble] += 1;
    this.#watch.watch(!this.#over && this.failing > 0);
  }

  stop(): void {
    this.#over = true;
    this.#watch.watch(false);
  }
}
