import { cut, Folds } from "./folds.ts";

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
  /** Of the call the line is about: `undefined` where it is about none. */
  #call: "open" | "answered" | { readonly answeredAfter: number } | undefined;
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

  /** The line is about a call. Until `answer` settles, the report says that the call has no answer. */
  awaits(answer: Promise<unknown>): void {
    this.#call = "open";
    const answered = (): void => {
      const now = this.#section.length;
      this.#call = now > this.#number ? { answeredAfter: now } : "answered";
    };
    void answer.then(answered, answered);
  }

  toString(): string {
    const outcomes = this.#outcomes.length > 0 ? this.#outcomes : this.#said();
    return outcomes.length === 0 ? this.#text : `${this.#text} -> ${outcomes.join(", ")}`;
  }

  #said(): readonly string[] {
    if (this.#call === "open") return ["no answer"];
    return typeof this.#call === "object" ? [`answered (after ${this.#call.answeredAfter}.)`] : [];
  }
}

/** What happened in one history, in lines. */
export interface History {
  /** How it was set up. */
  readonly given: readonly string[];
  /** The generated steps. */
  readonly steps: readonly string[];
  /** What happened at the end, which is the same for every history. */
  readonly end: readonly string[];
}

/** Of a long end so many lines are printed from its beginning, and as many from its last. */
const shownOfEnd = 15;

/** Remembers a history. Lines go to one section after the other. */
export class Trace {
  readonly #sections: { readonly [Section in keyof History]: Line[] } = { given: [], steps: [], end: [] };
  readonly #folds = new Folds();
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

  /** The steps written from here until the returned function is called are one entry. */
  fold(title: string): () => void {
    const { steps } = this.#sections;
    const end = this.#folds.begin(title, steps.length);
    return () => end(steps.length);
  }

  report(): History {
    const { given, steps, end } = this.#sections;
    return {
      given: given.map(String),
      steps: this.#folds.entries(steps.map(String)),
      end: cut(end.map(String), shownOfEnd),
    };
  }
}
