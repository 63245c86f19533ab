import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { systemClock, type Timer } from "../../src/traits/index.ts";
import { type FixtureModule, loadFixture } from "../fixture-module.ts";
import type { LawName } from "../law.ts";
import { laws } from "../laws/index.ts";
import { checkRunNames } from "../option-names.ts";
import type { Report } from "../report.ts";
import type { LawReport } from "./check-law.ts";
import { Journal } from "./journal.ts";
import { runLaws } from "./run-laws.ts";

/** What a thread is to play. */
export interface Task {
  readonly fixture: FixtureModule;
  readonly laws: readonly LawName[];
  readonly runs: number | undefined;
  readonly seed: number;
  readonly path: string | undefined;
}

/** What it tells. */
export type Told =
  | { readonly kind: "law"; readonly report: LawReport }
  | { readonly kind: "over"; readonly report: Report }
  /** The fixture could not be loaded, or its broker not be reached. */
  | { readonly kind: "refused"; readonly error: unknown };

interface ThreadData {
  readonly tidelaneTask: Task;
  readonly memory: SharedArrayBuffer;
  readonly loader: string | undefined;
  readonly self: string;
}

/** Loads this module, which then is its own thread: a bundle has no other file to start one from. */
const entry = `
const { loader, self } = require("node:worker_threads").workerData;
(async () => {
  if (loader !== undefined) (await import(loader)).register();
  await import(self);
})();
`;

/** How often a thread that gets on says so, in milliseconds. */
const beatMs = 50;

export function startThread(task: Task, journal: Journal, heapMb: number): Worker {
  const { module, loader } = task.fixture;
  const data: ThreadData = {
    tidelaneTask: { ...task, fixture: { ...task.fixture, module: String(module) } },
    memory: journal.memory,
    loader,
    self: import.meta.url,
  };
  return new Worker(entry, {
    eval: true,
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
}

async function play({ tidelaneTask: task, memory }: ThreadData, tell: (told: Told) => void): Promise<void> {
  const journal = new Journal(memory);
  let next: Timer | undefined;
  const beat = (): void => {
    journal.beat();
    next = systemClock.schedule(beatMs, beat);
  };
  beat();
  try {
    const fixture = await loadFixture(task.fixture);
    checkRunNames(fixture, {});
    const assignment = {
      laws: laws.filter(({ name }) => task.laws.includes(name)),
      runs: task.runs,
      seed: task.seed,
      path: task.path,
    };
    const report = await runLaws(fixture, assignment, {
      scribe: journal,
      begins: (index) => journal.beginLaw(index + 1),
      done: (law) => tell({ kind: "law", report: law }),
    });
    tell({ kind: "over", report });
  } catch (error) {
    tell({ kind: "refused", error });
  } finally {
    next?.cancel();
  }
}

function isThreadData(data: unknown): data is ThreadData {
  return typeof data === "object" && data !== null && "tidelaneTask" in data;
}

if (!isMainThread && isThreadData(workerData)) {
  void play(workerData, (told) => parentPort?.postMessage(told));
}
