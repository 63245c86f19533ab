import { parseArgs } from "node:util";
import { UsageError, wholeNumber } from "../arguments.ts";

/** What the command line of a soak asked for, checked. */
export interface Arguments {
  readonly broker: string;
  readonly minutes: number;
  readonly seed: number;
  readonly keepGoing: boolean;
}

/** What `--help` prints. */
export function usageOf(brokers: readonly string[], withFaults: readonly string[]): string {
  return `usage: npm run soak -- BROKER [options]

Plays laws and fault rounds in turn, at fresh seeds, until the time is over. Stops at the first failure, and prints the
command that replays it.

  BROKER         one of: ${brokers.join(", ")}
                 with fault rounds: ${withFaults.join(", ")}; the others have laws only
  --minutes N    how long (60); a round that has begun is finished
  --seed S       a whole number: the same laws, rounds and seeds in the same order (random)
  --keep-going   collects failures and goes on
  --help         this text

Exit code: 0 no failure, 1 a failure, 2 wrong arguments.
`;
}

/** Throws `UsageError`. */
export function readArguments(args: readonly string[], brokers: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const [broker, ...rest] = positionals;
  if (broker === undefined) throw new UsageError("No broker was named.");
  if (!brokers.includes(broker)) throw new UsageError(`There is no broker "${broker}" here.`);
  if (rest.length > 0) throw new UsageError(`One broker at a time: "${rest.join(" ")}" is too much.`);
  return {
    broker,
    minutes: wholeNumber("--minutes", values.minutes ?? "60", 1),
    seed: wholeNumber("--seed", values.seed ?? String(Math.floor(Math.random() * 2 ** 31)), 0),
    keepGoing: values["keep-going"] === true,
  };
}

function parse(args: readonly string[]): ReturnType<typeof parseKnown> {
  try {
    return parseKnown(args);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function parseKnown(args: readonly string[]) {
  const text = { type: "string" } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { minutes: text, seed: text, "keep-going": { type: "boolean" } },
  });
}
