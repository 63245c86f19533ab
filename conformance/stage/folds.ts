/** Lines of one step that does several things, which are printed as one entry. */
interface Fold {
  readonly title: string;
  readonly from: number;
  to: number;
}

/** Of a longer fold so many lines are printed from its beginning, and as many from its end. */
const shown = 3;

/** Which lines of a history belong together. Folds do not overlap, and one within another is part of it. */
export class Folds {
  readonly #folds: Fold[] = [];

  /** Lines from the number `from` on, counted from 0, until the returned function is called with the number of lines. */
  begin(title: string, from: number): (lines: number) => void {
    const outer = this.#folds.at(-1);
    if (outer !== undefined && outer.to === Number.POSITIVE_INFINITY) return () => undefined;
    const fold: Fold = { title, from, to: Number.POSITIVE_INFINITY };
    this.#folds.push(fold);
    return (lines) => {
      fold.to = lines;
    };
  }

  /** The entries these lines are printed as. A line that says after which one it was answered names an entry. */
  entries(lines: readonly string[]): string[] {
    const starts = lines.map((_, line) => this.#foldOf(line)?.from ?? line);
    const numbers = new Map([...new Set(starts)].map((start, index) => [start, index + 1]));
    const numberOf = (line: number): number => numbers.get(starts[line] ?? 0) ?? 0;
    const texts = lines.map((text, line) =>
      text.replaceAll(/ \(after (\d+)\.\)/g, (_, after: string) => {
        const last = numberOf(Number(after) - 1);
        return last > numberOf(line) ? ` (after ${last}.)` : "";
      }),
    );
    return [...numbers.keys()].map((start) => {
      const fold = this.#foldOf(start);
      return fold === undefined ? (texts[start] ?? "") : written(fold.title, texts.slice(fold.from, fold.to));
    });
  }

  #foldOf(line: number): Fold | undefined {
    return this.#folds.find(({ from, to }) => line >= from && line < to);
  }
}

function written(title: string, lines: readonly string[]): string {
  return `${title}: ${cut(lines, shown).join("; ")}`;
}

/** So many lines from the beginning, and as many from the end. */
export function cut(lines: readonly string[], most: number): readonly string[] {
  const left = lines.length - 2 * most;
  return left <= 1 ? lines : [...lines.slice(0, most), `... ${left} more ...`, ...lines.slice(-most)];
}
