import type { Slot } from "./watermark.ts";

/** How our metadata begins, so that the metadata of other clients is not taken for ours. */
const mark = "tidelane:";
const metadataPattern = /^tidelane:[\da-z]+\.[\da-z]+(,[\da-z]+\.[\da-z]+)*$/;

/** The server takes 4096 characters of metadata, unless offset.metadata.max.bytes says otherwise. */
const longest = 4_000;

/** What was written into the metadata of a commit. */
export interface DoneMetadata {
  readonly text: string;
  /** How many of the slots it tells of. */
  readonly records: number;
}

/**
 * Writes down which records at or above `base` are done, for the metadata of a commit of `base`: pairs of "not done" and
 * "done", each a number of offsets in base 36. What does not fit is left out, from the end. Undefined when none is done.
 *
 * `before`: what earlier metadata said is done, of the offsets from `next` on, which the slots do not reach.
 */
export function encodeDone(
  base: number,
  slots: Iterable<Slot>,
  next: number = base,
  before?: DoneRanges,
): DoneMetadata | undefined {
  const pairs: string[] = [];
  let length = mark.length;
  let records = 0;
  let cursor = base;
  let run: { readonly start: number; end: number; records: number } | undefined;
  const close = (): boolean => {
    if (run === undefined) return true;
    const pair = `${(run.start - cursor).toString(36)}.${(run.end - run.start).toString(36)}`;
    if (length + pair.length + 1 > longest) return false;
    pairs.push(pair);
    length += pair.length + 1;
    records += run.records;
    cursor = run.end;
    run = undefined;
    return true;
  };
  for (const { offset, done } of slots) {
    if (!done) {
      if (!close()) break;
    } else if (run === undefined) run = { start: offset, end: offset + 1, records: 1 };
    else {
      // What lies between two records that are done is no record.
      run.end = offset + 1;
      run.records += 1;
    }
  }
  for (const { start, end } of before?.from(next) ?? []) {
    if (run !== undefined && start === next) run.end = end;
    else if (close()) run = { start, end, records: 0 };
    else break;
  }
  close();
  return pairs.length === 0 ? undefined : { text: `${mark}${pairs.join(",")}`, records };
}

/** Offsets from `start` up to, not including, `end`. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** The offsets that the metadata of a commit says are done. */
export class DoneRanges {
  /** Ascending, without overlap. */
  readonly #ranges: readonly Range[];
  /** The first range that may hold what is asked for next. */
  #next = 0;

  private constructor(ranges: readonly Range[]) {
    this.#ranges = ranges;
  }

  /** Undefined for metadata that is not ours. */
  static read(base: number, metadata: string | null | undefined): DoneRanges | undefined {
    if (!metadata || !metadataPattern.test(metadata)) return undefined;
    let cursor = base;
    const ranges = metadata
      .slice(mark.length)
      .split(",")
      .map((pair) => {
        const [gap = "", run = ""] = pair.split(".");
        const start = cursor + Number.parseInt(gap, 36);
        cursor = start + Number.parseInt(run, 36);
        return { start, end: cursor };
      });
    return Number.isSafeInteger(cursor) ? new DoneRanges(ranges) : undefined;
  }

  /** The ranges at or above `offset`. */
  from(offset: number): Range[] {
    const left = this.#ranges.filter(({ end }) => end > offset);
    return left.map(({ start, end }) => ({ start: Math.max(start, offset), end }));
  }

  /** To be asked in ascending order. */
  has(offset: number): boolean {
    let range = this.#ranges[this.#next];
    while (range !== undefined && range.end <= offset) {
      this.#next += 1;
      range = this.#ranges[this.#next];
    }
    return range !== undefined && range.start <= offset;
  }
}
