import { type ParseArgsConfig, parseArgs } from "node:util";
import { inks, type Theme } from "./timeline-panel.ts";

/** What the command line asked for, checked. */
export interface Arguments {
  /** Handlers at once. */
  readonly workers: number;
  /** A path, or "-" for standard input; undefined: the log that comes with the demo. */
  readonly file: string | undefined;
  /** Decides how long each handler takes and which of them fail. */
  readonly seed: number;
  /** Where the timeline goes; undefined: none is drawn. */
  readonly svg: string | undefined;
  readonly theme: Theme;
  readonly broker: string;
}

/** The command line cannot be followed. The message is one sentence. */
export class UsageError extends Error {}

const most = { workers: 256, seed: 2 ** 32 - 1 };

const options = {
  workers: { type: "string", default: "8" },
  file: { type: "string" },
  seed: { type: "string", default: "1" },
  svg: { type: "string" },
  theme: { type: "string", default: "light" },
  broker: { type: "string", default: "memory" },
  help: { type: "boolean" },
} as const satisfies ParseArgsConfig["options"];

const themes = Object.keys(inks);

type OptionName = keyof typeof options;

export function helpText(brokers: readonly string[]): string {
  return `Replays a package manager's log through a tidelane pipeline: many workers, every package in order.

Usage: npm run demo -- [options]

  --workers N      handlers at once, 1 to ${most.workers} (default ${options.workers.default})
  --file PATH      the log to read, "-" for standard input (default: 4,992 lines of a real machine)
  --seed N         decides how long each handler takes and which of them fail (default ${options.seed.default})
  --svg FILE       draw the run: one row per worker, one colour per package
  --theme NAME     of the drawing: ${themes.join(" or ")} (default ${options.theme.default})
  --broker NAME    ${brokers.join(", ")} (default ${options.broker.default})
  --help           show this

A line of the log is "DATE TIME ACTION PACKAGE:ARCHITECTURE VERSION VERSION", as dpkg writes it.
Exit code: 0 done, 1 the input could not be used or a promise was broken, 2 wrong arguments, 130 interrupted.
`;
}

/** Reads the command line; "help" when that is what was asked for. Throws `UsageError`. */
export function readArguments(argv: readonly string[], brokers: readonly string[]): Arguments | "help" {
  const given = readOptions(argv);
  if (given.help !== undefined) return "help";
  const broker = given.broker ?? options.broker.default;
  if (!brokers.includes(broker)) {
    throw new UsageError(`--broker must be one of ${brokers.join(", ")}; received "${broker}".`);
  }
  if (given.svg === "-")
    throw new UsageError("--svg needs the path of a file; the table goes to standard output.");
  const theme = given.theme ?? options.theme.default;
  if (!isTheme(theme)) throw new UsageError(`--theme must be ${themes.join(" or ")}; received "${theme}".`);
  return {
    theme,
    workers: readWhole("workers", given.workers ?? options.workers.default, 1, most.workers),
    seed: readWhole("seed", given.seed ?? options.seed.default, 0, most.seed),
    file: given.file,
    svg: given.svg,
    broker,
  };
}

// Not strict: the sentences of the strict mode speak of the parser, these speak of the demo.
function readOptions(argv: readonly string[]): Partial<Record<OptionName, string>> {
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given: Partial<Record<OptionName, string>> = {};
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      throw new UsageError(`Nothing is expected at "${token.value}": a file is named with --file PATH.`);
    }
    if (!isOptionName(token.name)) {
      throw new UsageError(`There is no option ${token.rawName}; --help lists those there are.`);
    }
    given[token.name] = readValue(token.name, token.value);
  }
  return given;
}

function isTheme(name: string): name is Theme {
  return Object.hasOwn(inks, name);
}

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(options, name);
}

function readValue(name: OptionName, value: string | undefined): string {
  if (options[name].type === "boolean") {
    if (value !== undefined) throw new UsageError(`--${name} takes no value; received "${value}".`);
    return "";
  }
  // The parser takes the next word whatever it is: in "--file --svg x" that is an option, not a file.
  if (value === undefined || value === "" || value.startsWith("--")) {
    throw new UsageError(`--${name} needs a value; --help shows which.`);
  }
  return value;
}

function readWhole(name: OptionName, text: string, least: number, greatest: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= greatest) return value;
  throw new UsageError(`--${name} must be a whole number from ${least} to ${greatest}; received "${text}".`);
}
