import type { Arbitrary, AsyncCommand } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Gap, Stage } from "../stage/stage.ts";

/** One generated step of a history. It refers to what there is by number, so that it still fits when others are taken out. */
export class Step implements AsyncCommand<Stage, Stage> {
  readonly #name: string;
  readonly #ready: (stage: Stage) => boolean;
  readonly #act: (stage: Stage) => unknown;
  readonly #gap: Gap;

  constructor(facts: {
    readonly name: string;
    /** Whether there is anything to do it to. */
    readonly ready: (stage: Stage) => boolean;
    readonly act: (stage: Stage) => unknown;
    readonly gap?: Gap;
  }) {
    this.#name = facts.name;
    this.#ready = facts.ready;
    this.#act = facts.act;
    this.#gap = facts.gap ?? "rest";
  }

  check(stage: Stage): boolean {
    return this.#ready(stage);
  }

  async run(stage: Stage): Promise<void> {
    // fast-check awaits between check and run. If steps overlap, what the check saw may be gone.
    await stage.step(() => this.perform(stage), this.#gap);
  }

  /** Begins what it does, where there is still anything to do it to, and waits for nothing. */
  perform(stage: Stage): unknown {
    return this.#ready(stage) ? this.#act(stage) : undefined;
  }

  toString(): string {
    return this.#name;
  }
}

/** A step, and how often it comes beside the others. */
export type Weighted = readonly [weight: number, step: Arbitrary<Step>];

/** One of these, each as often as its weight says. */
export function oneOf(steps: readonly Weighted[]): Arbitrary<Step> {
  return fc.oneof(...steps.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** Picks one of the things there are when the step runs. */
export const pick: Arbitrary<number> = fc.nat({ max: 7 });

export function picked<T>(things: readonly T[], index: number): T {
  const thing = things[index % things.length];
  if (thing === undefined) throw new Error("a step ran although there was nothing to pick from");
  return thing;
}

/** Mostly the next step follows at rest; sometimes it overlaps with this one. */
export const gap: Arbitrary<Gap> = fc.constantFrom<Gap[]>("rest", "rest", "rest", "rest", "rest", 0, 1, 2, 5);

/**
 * A step about one of several things: of those `from` gives when it runs, the picked one. Not run where there is none.
 */
export function stepOn<T>(
  name: string,
  from: (stage: Stage) => readonly T[],
  act: (thing: T, stage: Stage) => unknown,
): Arbitrary<Step> {
  return fc.tuple(pick, gap).map(
    ([index, gapped]) =>
      new Step({
        name,
        ready: (stage) => from(stage).length > 0,
        act: (stage) => act(picked(from(stage), index), stage),
        gap: gapped,
      }),
  );
}
