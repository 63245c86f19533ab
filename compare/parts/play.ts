import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConsumerProcess } from "./consumer-process.ts";
import type { Consumer, Holdings, Station } from "./contestant.ts";
import { type Entry, JournalReader } from "./journal.ts";
import { type Findings, judge } from "./judge.ts";
import { attempts, type Scenario } from "./scenario.ts";

export interface Result {
  readonly findings: Findings;
  readonly holdings: Holdings;
  /** Times that the process was killed. */
  readonly kills: number;
}

/** A poison message tried so often is retried without end. */
const endless = attempts * 10;
/** BullMQ looks for the jobs of a dead worker every 30 s, and takes them back at the second look. */
const quietMs = 90_000;
const pollMs = 10;
const askMs = 500;

/** Publishes the scenario, kills the consumer in the middle of it, and judges what its handlers wrote down. */
export async function play(
  scenario: Scenario,
  workers: number,
  station: Station,
  consumer: Consumer,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), "tidelane-compare-"));
  const journal = join(folder, "journal");
  writeFileSync(journal, "");
  const { address, queue, deadQueue } = station;
  const child = new ConsumerProcess(consumer, { address, queue, deadQueue, journal, workers, attempts });
  const course = new Course(scenario, journal);
  try {
    await station.publish(scenario.orders);
    child.start();
    while (!(await isOver(course, station))) {
      await sleep(pollMs);
      child.check();
      course.read();
      if (!course.killDue()) continue;
      await child.kill();
      course.killed();
      child.start();
    }
    // What is settled is on its way to the server; then the server has to notice that the consumer is gone.
    await sleep(askMs);
    await child.kill();
    await sleep(askMs);
    course.read();
    const holdings = await station.holdings();
    return { findings: judge(scenario.orders, course.entries), holdings, kills: course.kills };
  } finally {
    await child.kill();
    course.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** How far a run is, by its journal. */
class Course {
  readonly entries: Entry[] = [];
  kills = 0;
  askedMs = 0;
  readonly #scenario: Scenario;
  readonly #reader: JournalReader;
  readonly #done = new Set<number>();
  readonly #poison: ReadonlySet<number>;
  #poisonFailures = 0;
  #heardMs = performance.now();

  constructor(scenario: Scenario, journal: string) {
    this.#scenario = scenario;
    this.#reader = new JournalReader(journal);
    const poison = scenario.orders.filter(({ behavior }) => behavior === "always-fails");
    this.#poison = new Set(poison.map(({ id }) => id));
  }

  read(): void {
    const entries = this.#reader.read();
    if (entries.length > 0) this.#heardMs = performance.now();
    for (const entry of entries) {
      this.entries.push(entry);
      if (entry.event === "done") this.#done.add(entry.id);
      if (entry.event === "fail" && this.#poison.has(entry.id)) this.#poisonFailures += 1;
    }
  }

  killDue(): boolean {
    return this.#done.size >= (this.#scenario.killsAt[this.kills] ?? Number.POSITIVE_INFINITY);
  }

  killed(): void {
    this.kills += 1;
  }

  /** Everything that can be handled was. */
  get handled(): boolean {
    return this.#done.size >= this.#scenario.orders.length - this.#poison.size;
  }

  get poisonIsEndless(): boolean {
    return this.#poisonFailures >= endless;
  }

  get isQuiet(): boolean {
    return performance.now() - this.#heardMs > quietMs;
  }

  get poison(): ReadonlySet<number> {
    return this.#poison;
  }

  close(): void {
    this.#reader.close();
  }
}

async function isOver(course: Course, station: Station): Promise<boolean> {
  if (course.isQuiet) return true;
  if (!course.handled) return false;
  if (course.poisonIsEndless) return true;
  if (performance.now() - course.askedMs < askMs) return false;
  course.askedMs = performance.now();
  const { deadLettered } = await station.holdings();
  return [...course.poison].every((id) => deadLettered.includes(id));
}
