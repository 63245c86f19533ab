import { mostUnfinished } from "../runtime/continuations.ts";
import type { Run } from "../runtime/run.ts";
import { factsOf } from "../runtime/run-facts.ts";
import type { RunStats } from "../runtime/stats.ts";
import type { ConnectionState } from "../traits/broker.ts";

/** "failed": a broker did not connect, a subscription did not open, a hook threw, or a run ended with an error. */
export type AppState = "idle" | "starting" | "running" | "draining" | "stopping" | "stopped" | "failed";

/** The answer to a probe. */
export interface Probe {
  readonly ok: boolean;
  /** One sentence for each thing that is wrong, with the broker or the topic; empty if `ok`. */
  readonly reasons: readonly string[];
}

/** The health of an app, at the moment of the call. */
export interface Health {
  readonly state: AppState;
  /** Not ok if the app has failed or a run has ended with an error: then only a restart helps. */
  readonly live: Probe;
  /** Not ok if the app is not live, is not running, has lost a connection, or has a run that is stalled or blocked. */
  readonly ready: Probe;
  /** The name and the state of each connection. */
  readonly brokers: readonly { readonly name: string; readonly state: ConnectionState | "idle" }[];
  /** The counters of each run. */
  readonly runs: readonly RunStats[];
}

/** What health is made of. */
export interface HealthFacts {
  readonly state: AppState;
  /** Why the app has failed: a sentence for each. */
  readonly failures: readonly string[];
  readonly brokers: Health["brokers"];
  readonly runs: readonly Run[];
}

export function healthOf({ state: at, failures, brokers, runs }: HealthFacts): Health {
  const state = failures.length > 0 && at === "running" ? "failed" : at;
  const notReady = [...failures];
  if (state !== "running" && state !== "failed") notReady.push(`The app is ${state}.`);
  for (const { name, state: connection } of brokers) {
    const shown = connection === "idle" ? "not open yet" : connection;
    if (connection !== "open") notReady.push(`The connection to "${name}" is ${shown}.`);
  }
  for (const run of runs) notReady.push(...reasonsOf(run));
  return {
    state,
    live: probe(failures),
    ready: probe(notReady),
    brokers,
    runs: runs.map(({ stats }) => stats),
  };
}

/** Why a run is not ready. */
function* reasonsOf(run: Run): Iterable<string> {
  const { topic, stats } = run;
  const asksFor = factsOf(run)?.asksFor();
  if (asksFor !== undefined) {
    yield `The run of "${topic}" has not begun: its publisher has not said whether dead letters can go to "${asksFor}".`;
  }
  const { stalled, inFlight, retrying, blocked, continuations } = stats;
  if (stalled) {
    const why =
      continuations < mostUnfinished
        ? `${retrying + blocked} of ${inFlight} in flight failed and are retried, and the others wait`
        : `${continuations} pieces of work given to afterSettle() have not finished`;
    yield `The run of "${topic}" pulls nothing: ${why}.`;
  }
  if (blocked > 0) {
    yield `${blocked} deliveries of "${topic}" are blocked: settling them, or publishing their dead letter, failed and is tried again.`;
  }
}

function probe(reasons: readonly string[]): Probe {
  return { ok: reasons.length === 0, reasons: [...reasons] };
}
