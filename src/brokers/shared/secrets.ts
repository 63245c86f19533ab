import { inspect } from "node:util";

const mask = "***";

/** Keeps what was given as a credential out of everything that is shown. */
export class Secrets {
  /** Longest first, so that one that contains another is masked whole. */
  readonly #values: readonly string[];

  /** Values of fewer than three characters are left out: masking them would only garble. */
  constructor(values: Iterable<string | undefined>) {
    this.#values = [...new Set(values)]
      .filter((value): value is string => value !== undefined && value.length > 2)
      .sort((a, b) => b.length - a.length);
  }

  /** `text` with every credential masked. */
  clean(text: string): string {
    return this.#values.reduce((cleaned, value) => cleaned.replaceAll(value, mask), text);
  }

  /** An error to hand on as a cause: as it is, or a cleaned copy of its text where a credential shows anywhere in it. */
  cause(error: unknown): unknown {
    if (this.#values.length === 0) return error;
    const shown = inspect(error, { depth: 8, showHidden: true });
    if (!this.#values.some((value) => shown.includes(value))) return error;
    if (!(error instanceof Error)) return this.clean(String(error));
    const copy = new Error(this.clean(error.message));
    copy.name = error.name;
    copy.stack = this.clean(error.stack ?? "");
    return copy;
  }
}
