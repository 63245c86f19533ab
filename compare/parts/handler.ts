import { openSync, readFileSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { readEntry } from "./journal.ts";
import type { Order } from "./scenario.ts";

/** The failure of a handler that is part of the scenario. */
class PlannedFailure extends Error {}

/**
 * The handler that every consumer calls. It appends to the journal with one write for each line, so a SIGKILL takes nothing
 * back. Which attempt is the first it knows from the journal too: clients count attempts differently, or not at all.
 */
export class Handler {
  readonly #journal: number;
  readonly #tried = new Set<number>();

  constructor(path: string) {
    for (const line of readFileSync(path, "latin1").split("\n").slice(0, -1)) {
      const entry = readEntry(line);
      if (entry.event === "fail") this.#tried.add(entry.id);
    }
    this.#journal = openSync(path, "a");
    this.#write("boot");
  }

  async handle({ id, delayMs, behavior }: Order): Promise<void> {
    this.#write(`start ${id}`);
    await sleep(delayMs);
    if (behavior === "always-fails" || (behavior === "fails-once" && !this.#tried.has(id))) {
      this.#tried.add(id);
      this.#write(`fail ${id}`);
      throw new PlannedFailure(`message ${id} fails`);
    }
    this.#write(`done ${id}`);
  }

  #write(line: string): void {
    writeSync(this.#journal, `${line}\n`);
  }
}
