/** The part of a terminal that is used here. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressCounts {
  readonly settled: number;
  readonly read: number;
  readonly retries: number;
}

/** Redrawn at most this often: more cannot be seen, and each one is a system call. */
const redrawMs = 60;
const startOfLine = "\r\u001b[2K";

/** A bar on one line of a terminal. Where there is no terminal it writes nothing. */
export class Progress {
  readonly #screen: Screen | undefined;
  readonly #now: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen.isTTY ? screen : undefined;
    this.#now = now;
  }

  update(counts: ProgressCounts): void {
    if (this.#screen === undefined || this.#now() - this.#drawnAt < redrawMs) return;
    this.#drawnAt = this.#now();
    // A terminal that does not know its size says 0.
    this.#screen.write(startOfLine + drawBar(counts, this.#screen.columns || 80));
  }

  /** Leaves the line empty, for what is printed next. */
  clear(): void {
    this.#screen?.write(startOfLine);
    this.#drawnAt = Number.NEGATIVE_INFINITY;
  }
}

/** Digits the count of retries is given, so that the bar keeps its width. */
const retryDigits = 5;

/** One line of at most `columns - 1` characters: a full last column would wrap. */
export function drawBar({ settled, read, retries }: ProgressCounts, columns: number): string {
  const share = read === 0 ? 0 : Math.min(settled / read, 1);
  const total = count(read);
  const counts = `${count(settled).padStart(total.length)} of ${total} lines, ${count(retries).padStart(retryDigits)} retries`;
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  const width = Math.min(columns - counts.length - percent.length - 4, 50);
  if (width < 5) return `${percent} ${counts}`.trim().slice(0, Math.max(columns - 1, 0));
  const filled = Math.round(share * width);
  return `${"█".repeat(filled)}${"░".repeat(width - filled)} ${percent}  ${counts}`;
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}
