/** Is told of a history while it is written: what it keeps is there when the thread that plays it is gone. */
export interface Scribe {
  /** A history begins. */
  begin(): void;
  /** It failed. */
  failed(): void;
  line(section: keyof History, text: string): void;
  /** Of the line with this number, from 1. */
  outcome(section: keyof History, number: number, text: string): void;
}

/** One line of a history. Its outcome may come long after the line was begun. */
export class Line {
  readonly #text: string;
  readonly #number: number;
  readonly #section: readonly Line[];
  readonly #outcomes: string[] = [];
  readonly #tell: ((number: number, outcome: string) => void) | undefined;

  constructor(
    text: string,
    section: readonly Line[],
    tell: ((number: number, outcome: string) => void) | undefined,
  ) {
    this.#text = text;
    this.#tell = tell;
    this.#section = section;
    this.#number = section.length + 1;
  }

  outcome(text: string): void {
    const now = this.#section.length;
    const outcome = now > this.#number ? `${text} (after ${now}.)` : text;
    this.#outcomes.push(outcome);
    this.#tell?.(this.#number, outcome);
  }

  toString(): string {
    return this.#outcomes.length === 0 ? this.#text : `${this.#text} -> ${this.#outcomes.join(", ")}`;
  }
}

/** What happened in one history, as lines a person can read. */
export interface History {
  /** The set-up. */
  readonly given: readonly string[];
  /** The generated steps, numbered from 1 where they are printed. */
  readonly steps: readonly string[];
  /** What is done at the end of every history, as far as it came. */
  readonly end: readonly string[];
}

/** Remembers a history. Lines go to one section after the other. */
export class Trace {
  readonly #sections: { readonly [Section in keyof History]: Line[] } = { given: [], steps: [], end: [] };
  #section: keyof History = "given";
  readonly #scribe: Scribe | undefined;

  constructor(scribe?: Scribe) {
    this.#scribe = scribe;
    scribe?.begin();
  }

  /** What follows are the generated steps. */
  begin(): void {
    this.#section = "steps";
  }

  /** What follows is the same at the end of every history. */
  finish(): void {
    this.#section = "end";
  }

  line(text: string): Line {
    const name = this.#section;
    const section = this.#sections[name];
    const scribe = this.#scribe;
    scribe?.line(name, text);
    const line = new Line(
      text,
      section,
      scribe && ((number, outcome) => scribe.outcome(name, number, outcome)),
    );
    section.push(line);
    return line;
  }

  report(): History {
    const { given, steps, end } = this.#sections;
    return { given: given.map(String), steps: steps.map(String), end: end.map(String) };
  }
}
