import type { Delivery } from "./delivery.ts";
import type { LeftDelivery, Run } from "./run.ts";

/** What an app asks of a run beside its public face. */
export interface RunFacts {
  /** Once the run is over, however it ended: what it left, as its report says it. */
  left(): readonly LeftDelivery[];
  /** The dead letter topic whose publisher has not answered yet whether it takes messages. */
  asksFor(): string | undefined;
}

const facts = new WeakMap<Run, RunFacts>();

/** A run that was wrapped, or that this library did not make, has none. */
export function factsOf(run: Run): RunFacts | undefined {
  return facts.get(run);
}

export function setFacts(run: Run, of: RunFacts): void {
  facts.set(run, of);
}

/** Its handler has not returned, whatever became of the delivery. */
export function abandonedDelivery({ topic, key, attempt }: Delivery): LeftDelivery {
  return { topic, key, attempt, state: "running" };
}

export function leftDelivery(delivery: Delivery): LeftDelivery {
  const { topic, key, attempt, phase } = delivery;
  return { topic, key, attempt, state: phase === "running" || phase === "settling" ? phase : "waiting" };
}
