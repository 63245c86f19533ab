import type { Worker } from "node:worker_threads";
import { systemClock } from "../../src/traits/index.ts";
import { defaultLimits, type Limits } from "../fixture-module.ts";
import type { LawName } from "../law.ts";
import { laws } from "../laws/index.ts";
import type { Report } from "../report.ts";
import type { LawReport } from "./check-law.ts";
import { Journal } from "./journal.ts";
import { startThread, type Task, type Told } from "./law-thread.ts";
import { reportOf } from "./run-laws.ts";

/** How often a thread is looked at, in milliseconds. */
const lookMs = 100;

/** How long a thread may take to load its modules, which keeps it busy. */
const loadMs = 60_000;

const megabyte = 1024 * 1024;

/** How a thread ended: with a report, without being able to begin, or in the middle of a law. */
type Ending =
  | { readonly kind: "over"; readonly report: Report }
  | { readonly kind: "refused"; readonly error: unknown }
  | { readonly kind: "died"; readonly observed: string; readonly expected: string };

/** Holds the broker to the laws in a thread of its own; the law in which that dies has failed, and the rest is played in another. */
export async function runSupervised(
  task: Task,
  limits: Limits,
  done: (report: LawReport) => void,
): Promise<Report> {
  const reports: LawReport[] = [];
  const add = (report: LawReport): void => {
    reports.push(report);
    done(report);
  };
  let left = task.laws;
  let pace: Report["pace"];
  let broker = String(task.fixture.name ?? task.fixture.module);
  while (left.length > 0) {
    const journal = new Journal();
    const ending = await playThread({ ...task, laws: left }, journal, { ...defaultLimits, ...limits }, add);
    if (ending.kind === "refused") throw ending.error;
    if (ending.kind === "over") {
      ({ broker, pace } = ending.report);
      break;
    }
    const law = left[journal.law - 1];
    if (law === undefined) throw new Error(`before the first law was played, ${ending.observed}`);
    add(deathReport(law, task, journal, ending));
    left = left.slice(journal.law);
  }
  return reportOf(broker, task.seed, reports, pace);
}

/** Plays laws in one thread, until that is over or has to be ended. */
async function playThread(
  task: Task,
  journal: Journal,
  limits: Required<Limits>,
  done: (report: LawReport) => void,
): Promise<Ending> {
  const worker = startThread(task, journal, limits.memoryMb);
  try {
    return await new Promise<Ending>((resolve) => {
      worker.on("message", (told: Told) => {
        if (told.kind === "law") done(told.report);
        else resolve(told);
      });
      worker.once("error", (error) => resolve(deathBy(error, limits)));
      worker.once("exit", (code) => {
        const observed = `the thread was ended by process.exit(${code})`;
        resolve({ kind: "died", observed, expected: "a broker leaves the process alone" });
      });
      watch(worker, journal, limits, resolve);
    });
  } finally {
    await worker.terminate();
  }
}

/** Counts looks instead of time, because a process that slept was not kept busy by the broker. */
function watch(
  worker: Worker,
  journal: Journal,
  { busyMs, memoryMb }: Required<Limits>,
  end: (ending: Ending) => void,
): void {
  const before = process.memoryUsage.rss();
  let beats = journal.beats;
  let silentMs = 0;
  const look = (): void => {
    silentMs = journal.beats === beats ? silentMs + lookMs : 0;
    beats = journal.beats;
    const limitMs = journal.law === 0 ? Math.max(loadMs, busyMs) : busyMs;
    if (silentMs >= limitMs) {
      const observed = `the last call above kept the thread busy for ${limitMs} ms, and nothing else could run`;
      end({ kind: "died", observed, expected: "a call lets go of the thread" });
    } else if (process.memoryUsage.rss() - before > memoryMb * megabyte) {
      end(tooMuch(memoryMb));
    }
    timer = systemClock.schedule(lookMs, look);
  };
  let timer = systemClock.schedule(lookMs, look);
  worker.once("exit", () => timer.cancel());
}

function deathBy(error: unknown, { memoryMb }: Required<Limits>): Ending {
  if (error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY") {
    return tooMuch(memoryMb);
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    kind: "died",
    observed: `an error that nobody awaited: ${stack}`,
    expected: "a broker's own work fails in a call, or in an event",
  };
}

function tooMuch(memoryMb: number): Ending {
  const observed = `it took more than ${memoryMb} MB of memory by the last call above`;
  return { kind: "died", observed, expected: "a broker of a few messages needs less" };
}

/** If the thread died while a history was being shortened, that history has no path. So the path is that of the first failure. */
function deathReport(
  name: LawName,
  { seed, path }: Task,
  journal: Journal,
  { observed, expected }: Extract<Ending, { kind: "died" }>,
): LawReport {
  const promise = laws.find((law) => law.name === name)?.promise ?? "";
  const first = journal.failedAt === 0 ? journal.histories : journal.failedAt;
  return {
    law: name,
    promise,
    verdict: "fail",
    histories: journal.histories,
    judged: journal.histories,
    counterexample: {
      history: journal.read(),
      breaks: [],
      observed,
      expected,
      seed,
      path: path ?? String(Math.max(0, first - 1)),
    },
  };
}
