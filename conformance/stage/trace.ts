/** One line of a history. Its outcome may come long after the line was begun. */
export class Line {
  readonly #text: string;
  readonly #outcomes: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  outcome(text: string): void {
    this.#outcomes.push(text);
  }

  toString(): string {
    return this.#outcomes.length === 0 ? this.#text : `${this.#text} -> ${this.#outcomes.join(", ")}`;
  }
}

/** What happened in one history, as lines a person can read. */
export class Trace {
  readonly #given: Line[] = [];
  readonly #steps: Line[] = [];
  readonly #end: Line[] = [];
  #lines: Line[] = this.#given;

  /** What follows are the generated steps. */
  begin(): void {
    this.#lines = this.#steps;
  }

  /** What follows is the same at the end of every history. */
  finish(): void {
    this.#lines = this.#end;
  }

  line(text: string): Line {
    const line = new Line(text);
    this.#lines.push(line);
    return line;
  }

  /** The set-up, the generated steps, and what was done at the end. */
  report(): History {
    return { given: this.#given.map(String), steps: this.#steps.map(String), end: this.#end.map(String) };
  }
}

export interface History {
  readonly given: readonly string[];
  readonly steps: readonly string[];
  readonly end: readonly string[];
}
