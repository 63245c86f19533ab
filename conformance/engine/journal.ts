import { type History, type Scribe, Trace } from "../stage/trace.ts";

/** Places in the head: all of them numbers that only the thread which plays writes. */
const head = { beats: 0, law: 1, histories: 2, failedAt: 3, length: 4 } as const;
const headBytes = 64;
const bodyBytes = 256 * 1024;

type Entry = readonly [section: keyof History, text: string, number?: number];

/**
 * The history that is being played, in memory that two threads share: it can be read when the thread that played it
 * loops, or has died. Written before the broker is called, so its last line is the call that did it.
 */
export class Journal implements Scribe {
  readonly memory: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #body: Uint8Array;
  readonly #encoder = new TextEncoder();

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(headBytes + bodyBytes)) {
    this.memory = memory;
    this.#head = new Int32Array(memory, 0, headBytes / Int32Array.BYTES_PER_ELEMENT);
    this.#body = new Uint8Array(memory, headBytes);
  }

  /** Goes up while the thread gets on. */
  get beats(): number {
    return Atomics.load(this.#head, head.beats);
  }

  /** Which of the laws that were asked for is played, from 1; 0 before the first. */
  get law(): number {
    return Atomics.load(this.#head, head.law);
  }

  /** Histories of this law so far, the one that is being played included. */
  get histories(): number {
    return Atomics.load(this.#head, head.histories);
  }

  /** Which of them failed first, from 1; 0 where none did. Those after it look for a shorter one. */
  get failedAt(): number {
    return Atomics.load(this.#head, head.failedAt);
  }

  beat(): void {
    Atomics.add(this.#head, head.beats, 1);
  }

  beginLaw(index: number): void {
    this.#set(head.length, 0);
    this.#set(head.histories, 0);
    this.#set(head.failedAt, 0);
    this.#set(head.law, index);
  }

  begin(): void {
    this.#set(head.length, 0);
    Atomics.add(this.#head, head.histories, 1);
    this.beat();
  }

  failed(): void {
    if (this.failedAt === 0) this.#set(head.failedAt, this.histories);
  }

  line(section: keyof History, text: string): void {
    this.#write([section, text]);
  }

  outcome(section: keyof History, number: number, text: string): void {
    this.#write([section, text, number]);
  }

  /** What stands in it. */
  read(): History {
    const trace = new Trace();
    const lines = { given: [], steps: [], end: [] } as Record<keyof History, ReturnType<Trace["line"]>[]>;
    let current: keyof History = "given";
    for (const [section, text, number] of this.#entries()) {
      if (section !== current) {
        if (section === "steps") trace.begin();
        else if (section === "end") trace.finish();
        current = section;
      }
      if (number === undefined) lines[section].push(trace.line(text));
      else lines[section][number - 1]?.outcome(text);
    }
    return trace.report();
  }

  #entries(): Entry[] {
    // A copy: text is not decoded from shared memory.
    const bytes = this.#body.slice(0, Atomics.load(this.#head, head.length));
    const lines = new TextDecoder().decode(bytes).split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Entry);
  }

  #write(entry: Entry): void {
    this.beat();
    const bytes = this.#encoder.encode(`${JSON.stringify(entry)}\n`);
    const length = Atomics.load(this.#head, head.length);
    // There is room for thousands of lines, which is more than a history has.
    if (length + bytes.byteLength > this.#body.byteLength) return;
    this.#body.set(bytes, length);
    this.#set(head.length, length + bytes.byteLength);
  }

  #set(place: number, value: number): void {
    Atomics.store(this.#head, place, value);
  }
}
