import type { LeftDelivery, Run } from "./run.ts";

/** What an app asks of a run beside its public face. */
export interface RunFacts {
  /** Once the run is over, however it ended: what it left, as its report says it. */
  readonly left: readonly LeftDelivery[];
  /** The dead letter topic whose publisher has not answered yet whether it takes messages. */
  readonly asksFor: string | undefined;
}

const facts = new WeakMap<Run, RunFacts>();

/** A run that was wrapped, or that this library did not make, has none. */
export function factsOf(run: Run): RunFacts | undefined {
  return facts.get(run);
}

/** The members of `of` are read when they are asked for. */
export function setFacts(run: Run, of: RunFacts): void {
  facts.set(run, of);
}
