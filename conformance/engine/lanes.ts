import type { Arbitrary, Scheduler } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { checkDrain } from "../stage/drain.ts";
import { type Job, Workload } from "../stage/workload.ts";
import { scenario } from "./scenario.ts";

interface Case {
  readonly jobs: Job[];
  readonly workers: number;
  readonly schedule: Scheduler;
  /** After so many tasks the pipeline is drained, with this deadline. */
  readonly drain: { readonly after: number; readonly deadlineMs: number };
}

const job: Arbitrary<Job> = fc.record({
  key: fc.constantFrom("a", "b", undefined),
  throws: fc.constantFrom(0, 0, 1, 2),
});

const cases: Arbitrary<Case> = fc.record({
  jobs: fc.array(job, { minLength: 1, maxLength: 8 }),
  workers: fc.integer({ min: 1, max: 3 }),
  schedule: fc.scheduler(),
  drain: fc.record({ after: fc.nat({ max: 12 }), deadlineMs: fc.constantFrom(1_000, 0, 75) }),
});

/** A law over the runtime: the workload checks what lanes promise, and the broker is what it runs on. */
export function lanes({ drains = false }: { readonly drains?: boolean } = {}): Law["property"] {
  return scenario<Case>(() => ({
    cases,
    play: async (stage, { jobs, workers, schedule, drain }) => {
      const connection = await stage.connect();
      const subscriber = await connection.open({ topic: "A", options: { group: "g" } });
      if (subscriber === undefined) return;
      const workload = new Workload(stage, subscriber, schedule, workers);
      stage.trace.line(`a pipeline with workers(${workers}, byKey) over ${subscriber.name}`);
      for (const each of jobs) workload.add(connection, each);
      for (let turns = 0; !(drains && turns === drain.after); turns += 1) {
        if (!(await workload.turn())) break;
      }
      if (drains) await checkDrain(stage, workload, drain.deadlineMs);
      else await workload.finish();
    },
  }));
}
