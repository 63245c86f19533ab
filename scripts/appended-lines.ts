import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Reads a file that other processes append lines to, as they append them. */
export class AppendedLines<Line> {
  readonly #file: number;
  readonly #readLine: (text: string) => Line;
  #offset = 0;
  /** The beginning of a line whose end was not there yet. */
  #rest = "";

  /** Creates the file where it is missing. */
  constructor(path: string, readLine: (text: string) => Line) {
    this.#file = openSync(path, "a+");
    this.#readLine = readLine;
  }

  /** What was written since the last call. */
  read(): Line[] {
    const length = fstatSync(this.#file).size - this.#offset;
    if (length <= 0) return [];
    const buffer = Buffer.alloc(length);
    this.#offset += readSync(this.#file, buffer, 0, length, this.#offset);
    const lines = (this.#rest + buffer.toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.map(this.#readLine);
  }

  close(): void {
    closeSync(this.#file);
  }
}
