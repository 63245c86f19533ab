/** One change of one place in the source. */
export interface Mutant {
  /** What activates it in the bundle of one run. */
  readonly id: number;
  /** What it is known by in checked-in files: it holds no line, so that edits elsewhere leave it as it is. */
  readonly name: string;
  readonly file: string;
  readonly line: number;
  readonly operator: string;
  /** It changes what happens while the module loads, so it must be active before that. */
  readonly atLoad: boolean;
}

/** A mutant before it has a name: what stands in place of `original`. */
export interface Change {
  readonly operator: string;
  readonly original: string;
  /** "" for a statement that is removed. */
  readonly replacement: string;
}
