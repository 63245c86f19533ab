/** One line of a history. Its outcome may come long after the line was begun. */
export class Line {
  readonly #text: string;
  readonly #number: number;
  readonly #section: readonly Line[];
  readonly #outcomes: string[] = [];

  constructor(text: string, section: readonly Line[]) {
    this.#text = text;
    this.#section = section;
    this.#number = section.length + 1;
  }

  outcome(text: string): void {
    const now = this.#section.length;
    this.#outcomes.push(now > this.#number ? `${text} (after ${now}.)` : text);
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

  /** What follows are the generated steps. */
  begin(): void {
    this.#section = "steps";
  }

  /** What follows is the same at the end of every history. */
  finish(): void {
    this.#section = "end";
  }

  line(text: string): Line {
    const section = this.#sections[this.#section];
    const line = new Line(text, section);
    section.push(line);
    return line;
  }

  report(): History {
    const { given, steps, end } = this.#sections;
    return { given: given.map(String), steps: steps.map(String), end: end.map(String) };
  }
}
