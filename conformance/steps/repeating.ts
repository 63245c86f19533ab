import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Stage } from "../stage/stage.ts";
import { publish } from "./publishing.ts";
import { pull, pullable, take } from "./receiving.ts";
import { ack, delay, drop, prolong, requeue } from "./settling.ts";
import { Step, stepOn } from "./step.ts";

/** A few steps again and again, each at rest, as one step of the history. */
export class Repetition extends Step {
  readonly #parts: readonly Step[];
  readonly #times: number;

  constructor(parts: readonly Step[], times: number) {
    const ready = (stage: Stage): boolean => parts.some((part) => part.check(stage));
    super({ name: `${times} times: ${parts.join(", ")}`, ready, act: () => undefined });
    this.#parts = parts;
    this.#times = times;
  }

  override async run(stage: Stage): Promise<void> {
    const close = stage.trace.fold(`${this.#times} times`);
    try {
      for (let left = this.#times; left > 0; left -= 1) {
        for (const part of this.#parts) await stage.step(() => part.perform(stage));
      }
    } finally {
      close();
    }
  }
}

/** A pull that should be answered: on real time one that waits would cost the time of a step, each time. */
export const pullOwed: Arbitrary<Step> = stepOn(
  "pull",
  (stage) =>
    pullable(stage).filter(({ seat, waiting }) => waiting === 0 && stage.ledger.starving(seat) !== undefined),
  (subscriber) => subscriber.pull(),
);

interface Repeats {
  readonly virtual: boolean;
  readonly requeue: boolean;
}

/** Repetitions that reach what single steps do not: high delivery counts, many messages unsettled, long runs. */
export function repeat({ virtual, requeue: requeues }: Repeats): Arbitrary<Step> {
  const pulling = virtual ? pull : pullOwed;
  const published = publish();
  const back = requeues ? [requeue, delay] : [];
  const any = fc.oneof(published, pulling, take, ack, drop, prolong, ...back);
  const cycles: Arbitrary<readonly Step[]> = fc.oneof(
    fc.tuple(published, pulling, ack),
    fc.tuple(published, pulling),
    ...(requeues ? [fc.tuple(pulling, requeue)] : []),
    fc.array(any, { minLength: 1, maxLength: 3 }),
  );
  const few = fc.integer({ min: 2, max: virtual ? 30 : 6 });
  const many = fc.oneof(fc.tuple(published, pulling), fc.tuple(published), fc.tuple(pulling));
  const some = fc.tuple(cycles, few).map(([parts, times]) => new Repetition(parts, times));
  if (!virtual) return some;
  const hundreds = fc
    .tuple(many, fc.integer({ min: 2, max: 200 }))
    .map(([parts, times]) => new Repetition(parts, times));
  return fc.oneof({ weight: 14, arbitrary: some }, { weight: 1, arbitrary: hundreds });
}
