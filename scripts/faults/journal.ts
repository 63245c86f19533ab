import { openSync, writeSync } from "node:fs";
import { AppendedLines } from "../appended-lines.ts";
import type { Copy } from "./ledger.ts";

/** One handling, as a consumer wrote it down. */
export interface Entry extends Copy {
  readonly member: number;
  readonly atMs: number;
}

/**
 * Where consumers write down what they handled: one file for all of them, one write for each handling, before it is
 * acknowledged. What was written is in the system's hands, so a SIGKILL of the consumer takes nothing back; writes at the
 * end of a file come one after the other, so the order of the lines is the order of the handlings, of all consumers.
 */
export class JournalWriter {
  readonly #file: number;
  readonly #member: number;

  constructor(path: string, member: number) {
    this.#file = openSync(path, "a");
    this.#member = member;
  }

  handled({ key, sequence, copy }: Copy): void {
    writeSync(this.#file, `${Date.now()} ${this.#member} ${key} ${sequence} ${copy}\n`);
  }
}

export class JournalReader extends AppendedLines<Entry> {
  constructor(path: string) {
    super(path, readEntry);
  }
}

function readEntry(line: string): Entry {
  const [atMs, member, key = "", sequence, copy] = line.split(" ");
  return {
    atMs: Number(atMs),
    member: Number(member),
    key,
    sequence: Number(sequence),
    copy: Number(copy),
  };
}

/** The payload of a message, which says which one it is. */
export function payloadOf({ key, sequence, copy }: Copy): string {
  return `${key} ${sequence} ${copy}`;
}

export function readPayload(text: string): Copy {
  const [key = "", sequence, copy] = text.split(" ");
  return { key, sequence: Number(sequence), copy: Number(copy) };
}
