import type { Clock, Timer } from "../traits/clock.ts";
import { IntakeStalledError } from "../traits/errors.ts";

/** A run that has pulled nothing for so long, because it has no room, has stalled. */
const stallAfterMs = 5_000;

export interface StallHooks {
  /** How many deliveries were pulled so far. */
  pulled(): number;
  /** Whether the run would pull if it had room, has none, and will not get any by itself. */
  isStuck(): boolean;
  /** Called once for each stall. */
  stalled(): void;
}

/** Notices that a run pulls nothing any more. It looks every 5 seconds while it is told that something may be wrong. */
export class StallWatch {
  readonly #clock: Clock;
  readonly #hooks: StallHooks;
  #timer: Timer | undefined;
  /** How many had been pulled when the intake was found stalled. */
  #stalledAt: number | undefined;

  constructor(clock: Clock, hooks: StallHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  get isStalled(): boolean {
    // Room may come back a moment before the next pull.
    return this.#stalledAt === this.#hooks.pulled() && this.#hooks.isStuck();
  }

  /** Whether something may be wrong; cheap, so say it at every change. */
  watch(on: boolean): void {
    if (on) {
      if (this.#timer === undefined) this.#arm();
    } else if (this.#timer !== undefined) {
      this.#timer.cancel();
      this.#timer = undefined;
    }
  }

  #arm(): void {
    const pulled = this.#hooks.pulled();
    this.#timer = this.#clock.schedule(stallAfterMs, () => {
      this.#arm();
      if (this.#hooks.pulled() !== pulled || this.#stalledAt === pulled || !this.#hooks.isStuck()) return;
      this.#stalledAt = pulled;
      this.#hooks.stalled();
    });
  }
}

/** With `continuations`, their number is the reason. */
export function stallError(
  topic: string,
  inFlight: number,
  failing: number,
  continuations?: number,
): IntakeStalledError {
  const facts = { topic, inFlight, failing, stalledMs: stallAfterMs };
  return new IntakeStalledError(continuations === undefined ? facts : { ...facts, continuations });
}
