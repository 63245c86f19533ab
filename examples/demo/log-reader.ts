import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import type { reasons } from "./log.ts";

/** One line as it stands in the input, without its line end. */
export interface RawLine {
  /** From 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
  /** What was wrong with it before anyone read it. */
  readonly fault?: LineFault;
}

export type LineFault = keyof Pick<typeof reasons, "truncated" | "tooLong">;

/** The input cannot be used. The message is one sentence. */
export class InputError extends Error {}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
/** Longer lines are cut here, so that input without line ends does not fill the memory. */
const longestLine = 64 * 1024;

/** Opens a file, or standard input for "-"; `signal` ends the reading. Throws `InputError`. */
export async function openInput(path: string, signal: AbortSignal): Promise<Readable> {
  if (path === "-") return addAbortSignal(signal, process.stdin);
  const name = JSON.stringify(path);
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) throw new InputError(`${name} is a directory: --file needs a log file.`);
    // A stream opens when it is first read; waiting for it here gives a missing right its own sentence.
    const stream = createReadStream(path);
    await new Promise((resolve, reject) => stream.once("open", resolve).once("error", reject));
    return addAbortSignal(signal, stream);
  } catch (error) {
    throw error instanceof InputError ? error : new InputError(openFault(name, error), { cause: error });
  }
}

/** Says why a file could not be opened or read. */
export function openFault(name: string, error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT" || code === "ENOTDIR") return `There is no file ${name}.`;
  if (code === "EACCES" || code === "EPERM") return `${name} may not be read by this user.`;
  return `${name} cannot be read: ${error instanceof Error ? error.message : String(error)}.`;
}

/**
 * The lines of a stream as they come, until `signal` fires. A last line without its line end has the fault "truncated".
 * Throws `InputError` on input that is empty, or whose beginning is not text; nothing has been yielded then.
 */
export async function* readLines(
  stream: AsyncIterable<Uint8Array>,
  name: string,
  signal?: AbortSignal,
): AsyncGenerator<RawLine> {
  let number = 0;
  let started = false;
  /** The beginning of the line that is not complete yet. */
  let open: OpenLine = noLine;
  for await (const chunk of guardReading(stream, name, signal)) {
    if (chunk.byteLength === 0) continue;
    if (!started) checkBeginning(chunk, name);
    started = true;
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, from)) {
      yield closeLine(extend(open, chunk.subarray(from, end)), ++number);
      open = noLine;
      from = end + 1;
    }
    open = extend(open, chunk.subarray(from));
  }
  if (signal?.aborted) return;
  if (!started) throw new InputError(`${name} is empty: there is nothing to replay.`);
  if (open.length > 0) yield { ...closeLine(open, ++number), fault: "truncated" };
}

interface OpenLine {
  /** At most `longestLine` bytes. */
  readonly bytes: Uint8Array;
  /** How long it really is. */
  readonly length: number;
}

const noLine: OpenLine = { bytes: new Uint8Array(), length: 0 };

function extend(line: OpenLine, more: Uint8Array): OpenLine {
  const bytes = Buffer.concat([line.bytes, more.subarray(0, longestLine - line.bytes.byteLength)]);
  return { bytes, length: line.length + more.byteLength };
}

function closeLine({ bytes, length }: OpenLine, number: number): RawLine {
  if (length > longestLine) return { number, bytes, fault: "tooLong" };
  return { number, bytes: bytes.at(-1) === carriageReturn ? bytes.subarray(0, -1) : bytes };
}

async function* guardReading(
  stream: AsyncIterable<Uint8Array>,
  name: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (error) {
    if (!signal?.aborted) throw new InputError(openFault(name, error), { cause: error });
  }
}

function checkBeginning(chunk: Uint8Array, name: string): void {
  if (chunk[0] === 0x1f && chunk[1] === 0x8b) {
    throw new InputError(
      `${name} is compressed with gzip: unpack it and pass it on, as in "zcat FILE | npm run demo -- --file -".`,
    );
  }
  if (chunk.includes(0) || mostlyUnreadable(chunk)) {
    throw new InputError(`${name} is binary data and not a text log.`);
  }
}

// One bad byte in a long log is a dead letter; one in twenty is not a log.
function mostlyUnreadable(chunk: Uint8Array): boolean {
  // As a stream: a character the chunk ends in the middle of is not a bad one.
  const text = new TextDecoder().decode(chunk, { stream: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is counted
  const unreadable = text.match(/[\u0001-\u0008\u000e-\u001f\u007f\ufffd]/g)?.length ?? 0;
  return unreadable * 20 > text.length;
}
