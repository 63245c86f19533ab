import { inspect } from "node:util";

const mask = "***";

/** Removes credentials from everything that is shown. */
export class Secrets {
  /** The longest first, so that a credential that contains another one is masked as a whole. */
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

  /** The error, to be the cause of another one. If it shows a credential anywhere, a copy of its text without it. */
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
