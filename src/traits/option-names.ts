import { UnknownOptionError } from "./errors.ts";

/** The names that an options object may have. If an option is an object itself, its names stand in place of `true`. */
export interface OptionNames {
  readonly [name: string]: true | OptionNames;
}

type KeysOf<Options> = Options extends unknown ? Extract<keyof Options, string> : never;

/**
 * Lists the names of `Options` beside its interface. The compiler refuses a name that the interface lacks, and a
 * list that lacks a name. So the check at run time always matches the types.
 *
 * @example
 * const names = optionNames<ReconnectOptions>()({ initialMs: true, maxMs: true });
 */
export function optionNames<Options>(): (
  names: {
    readonly [Name in KeysOf<Options>]-?: true | OptionNames;
  },
) => OptionNames {
  return (names) => names as OptionNames;
}

/**
 * Throws `UnknownOptionError` if `options`, or an object in it, has a name that `names` lacks. `call` is the call
 * as the user wrote it: `amqpQueue("orders", options)`. If `options` is not an object, it does nothing.
 */
export function checkOptionNames(call: string, options: unknown, names: OptionNames, path = ""): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) return;
  for (const [name, value] of Object.entries(options)) {
    const known = Object.hasOwn(names, name) ? names[name] : undefined;
    if (known === undefined) {
      const all = Object.keys(names).sort();
      throw new UnknownOptionError({ call, option: path + name, nearest: nearestOf(name, all), known: all });
    }
    if (known !== true) checkOptionNames(call, value, known, `${path}${name}.`);
  }
}

/** The known name that `name` was probably meant to be. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  const written = name.toLowerCase();
  let nearest: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const offered = candidate.toLowerCase();
    // `timeout` for `timeoutMs`: letters are only missing at its end.
    const distance = written.length > 2 && offered.startsWith(written) ? 1 : editDistance(written, offered);
    if (distance < least && distance < candidate.length) {
      nearest = candidate;
      least = distance;
    }
  }
  return nearest;
}

/** Letters to add, remove, replace, or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const next = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = at(last, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      let least = Math.min(at(last, column) + 1, at(next, column - 1) + 1, replaced);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, at(before, column - 2) + 1);
      next.push(least);
    }
    before = last;
    last = next;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
