import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** What a handler writes down: that its process began, and that a handling began, succeeded or threw. */
export type Entry =
  | { readonly event: "boot" }
  | { readonly event: "start" | "done" | "fail"; readonly id: number };

const pattern = /^(?:(boot)|(start|done|fail) (\d+))$/;

/** A line of the journal. Throws for anything else: a journal that cannot be read proves nothing. */
export function readEntry(line: string): Entry {
  const [, boot, event, id] = pattern.exec(line) ?? [];
  if (boot !== undefined) return { event: "boot" };
  if (event === "start" || event === "done" || event === "fail") return { event, id: Number(id) };
  throw new Error(`The journal has a line that no handler writes: "${line}".`);
}

/** Reads what handlers append, as they append it. */
export class JournalReader {
  readonly #file: number;
  #offset = 0;
  /** The beginning of a line whose end was not there yet. */
  #rest = "";

  /** Creates the file where it is missing. */
  constructor(path: string) {
    this.#file = openSync(path, "a+");
  }

  /** What was written since the last call. */
  read(): Entry[] {
    const length = fstatSync(this.#file).size - this.#offset;
    if (length <= 0) return [];
    const buffer = Buffer.alloc(length);
    this.#offset += readSync(this.#file, buffer, 0, length, this.#offset);
    const lines = (this.#rest + buffer.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map(readEntry);
  }

  close(): void {
    closeSync(this.#file);
  }
}
