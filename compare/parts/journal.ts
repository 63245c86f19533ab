import { AppendedLines } from "../../scripts/appended-lines.ts";

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
export class JournalReader extends AppendedLines<Entry> {
  constructor(path: string) {
    super(path, readEntry);
  }
}
