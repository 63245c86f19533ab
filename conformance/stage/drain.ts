import type { RunReport } from "../../src/runtime/index.ts";
import { idOfPayload } from "../model/posting.ts";
import { nameOfError } from "../model/settling.ts";
import type { Stage } from "./stage.ts";
import type { Workload } from "./workload.ts";

const law = ["drain-finishes"] as const;

/** Drains a pipeline in the middle of its work, and holds that it keeps its word to the work and to the broker. */
export async function checkDrain(stage: Stage, workload: Workload, deadlineMs: number): Promise<void> {
  const { pace, subject } = stage;
  const started = pace.clock.now();
  const taken = new Set(workload.works.filter(({ state }) => state !== "published").map(({ id }) => id));
  stage.trace.line(`drain with a deadline of ${deadlineMs} ms`);
  workload.phase = "draining";
  let report: RunReport | undefined;
  const over = workload.run.drain({ deadlineMs }).then(
    (result) => {
      report = result;
    },
    (error: unknown) => stage.violate(law, `drain() rejected with ${nameOfError(error)}`, "it resolves"),
  );
  while (report === undefined && (await workload.turn(() => report !== undefined)));
  if (!(await pace.within(over, deadlineMs + subject.timings.closeMs)) || report === undefined) {
    stage.violate(law, `drain({ deadlineMs: ${deadlineMs} }) did not end`, "it ends by its deadline");
    return stage.check();
  }
  workload.phase = "over";
  const done = new Set(workload.works.filter(({ state }) => state === "done").map(({ id }) => id));
  const unfinished = [...taken].find((id) => !done.has(id));
  if (unfinished !== undefined && pace.clock.now() - started < deadlineMs) {
    stage.violate(
      law,
      `the drain ended before its deadline and left #${unfinished}`,
      "what was taken finishes",
    );
  }
  while (await workload.turn());
  stage.check();
  // A subscription without a group takes what it had with it.
  if (subject.capabilities.groups) await checkReturned(stage, workload, done, started + deadlineMs);
}

/** What was not settled at the deadline comes again, and nothing else. */
async function checkReturned(
  stage: Stage,
  workload: Workload,
  done: ReadonlySet<number>,
  deadline: number,
): Promise<void> {
  const [connection] = stage.connections;
  const subscriber = await connection?.open({ topic: "A", options: { group: "g" } });
  if (subscriber === undefined) return;
  const owed = new Set(workload.works.filter(({ id }) => !done.has(id)).map(({ id }) => id));
  // In real time, a handler may end after the deadline, and then its ack is refused.
  const inTime = ({ id, doneAt }: { id: number; doneAt: number }): boolean =>
    done.has(id) && (stage.pace.virtual || doneAt < deadline);
  const acked = new Set(workload.works.filter(inTime).map(({ id }) => id));
  const iterator = subscriber.handle[Symbol.asyncIterator]();
  while (owed.size > 0) {
    const next = iterator.next();
    if (!(await stage.pace.within(next, stage.subject.timings.arrivalMs))) {
      stage.violate(
        law,
        `#${[...owed].join(", #")} did not come again after the drain`,
        "the rest is delivered again",
      );
      return stage.check();
    }
    const { value } = await next;
    if (value === undefined) return;
    const id = idOfPayload(value.payload) ?? 0;
    await value.ack();
    stage.trace.line(`pull ${subscriber.name} -> #${id}`);
    if (acked.has(id)) stage.violate(law, `#${id} came again although it had succeeded`, "it was acked");
    stage.check();
    owed.delete(id);
  }
}
