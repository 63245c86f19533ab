import type { Arbitrary } from "fast-check";
import { isTidelaneError } from "../../src/traits/index.ts";
import { isRequesting } from "../abilities.ts";
import { fc } from "../fast-check.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "../stage/connection-actor.ts";
import { turns } from "../stage/pace.ts";
import { requestInVain } from "../stage/request.ts";
import type { Stage } from "../stage/stage.ts";
import { openConnections } from "./publishing.ts";
import { Step, stepOn } from "./step.ts";

const law = ["abort-is-prompt"] as const;

function remember(
  stage: Stage,
  connection: ConnectionActor,
  what: string,
  start: (signal: AbortSignal) => Promise<unknown>,
): Promise<unknown> {
  const controller = new AbortController();
  const answer = start(controller.signal);
  const abortable = { what, connection, controller, answer, over: false };
  stage.abortable.push(abortable);
  return answer.finally(() => {
    abortable.over = true;
  });
}

/** A publish that may have to wait, with a signal. */
export const publishAbortable: Arbitrary<Step> = stepOn(
  "publish abortable",
  openConnections,
  (connection, stage) =>
    remember(stage, connection, "a publish", (signal) => connection.publish({ topic: "A" }, { signal })),
);

export const requestAbortable: Arbitrary<Step> = stepOn(
  "request abortable",
  (stage) => openConnections(stage).filter(({ publisher }) => isRequesting(publisher)),
  (connection, stage) =>
    remember(stage, connection, "a request", (signal) => requestInVain(stage, connection, "A", { signal })),
);

/** Aborts one of the calls that wait: it is answered at once. */
export const abort: Arbitrary<Step> = stepOn(
  "abort",
  (stage) => stage.abortable.filter(({ over, controller }) => !over && !controller.signal.aborted),
  async ({ what, connection, controller, answer }, stage) => {
    const line = stage.trace.line(`abort ${what}`);
    stage.judged(law);
    controller.abort(new Error("a step of the history"));
    const prompt = await stage.pace.within(answer, stage.pace.virtual ? 0 : stage.subject.timings.stepMs);
    const error = prompt ? await answer : undefined;
    line.outcome(prompt ? nameOfError(error ?? "resolved") : "nothing");
    if (prompt && (error === undefined || isTidelaneError(error, "TIDELANE_ABORTED"))) return;
    // The end of its connection, at the same moment, may have come first.
    if (connection.state !== "open" && isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED")) return;
    const answered = prompt ? `rejected with ${nameOfError(error)}` : "went on waiting";
    stage.violate(law, `${what} ${answered} when its signal fired`, "it rejects with AbortedError at once");
  },
);

/** A publish whose signal has fired before it is made. */
export const publishAborted: Arbitrary<Step> = stepOn(
  "publish aborted",
  openConnections,
  async (connection, stage) => {
    stage.judged(law);
    const error = await connection.publish({ topic: "A" }, { signal: AbortSignal.abort() });
    if (isTidelaneError(error, "TIDELANE_ABORTED")) return;
    const observed = error === undefined ? "resolved" : `rejected with ${nameOfError(error)}`;
    stage.violate(law, `a publish whose signal had fired ${observed}`, "it rejects with AbortedError");
  },
);

/** `connect()` whose signal fires before, or so many turns after. */
export const connectAborted: Arbitrary<Step> = fc.nat({ max: 3 }).map(
  (later) =>
    new Step({
      name: "connect aborted",
      ready: () => true,
      act: (stage) => connectAndAbort(stage, later),
    }),
);

async function connectAndAbort(stage: Stage, later: number): Promise<void> {
  const line = stage.trace.line(`connect, aborted ${later === 0 ? "before" : `${later} turns later`}`);
  const controller = new AbortController();
  stage.judged(law);
  if (later === 0) controller.abort();
  const answer = stage.broker.connect({ signal: controller.signal }).then(
    async (connection) => {
      await connection.close();
      return undefined;
    },
    (error: unknown) => error,
  );
  await turns(later);
  controller.abort();
  const prompt = await stage.pace.within(answer, stage.pace.virtual ? 0 : stage.subject.timings.stepMs);
  const error = prompt ? await answer : undefined;
  line.outcome(prompt ? nameOfError(error ?? "connected") : "nothing");
  // The signal may fire too late to have an effect.
  if (isTidelaneError(error, "TIDELANE_ABORTED") || (prompt && error === undefined && later > 0)) return;
  const observed = prompt ? nameOfError(error ?? "connected") : "no answer";
  stage.violate(
    law,
    `connect() with a signal that fired: ${observed}`,
    "it rejects with AbortedError at once",
  );
}
