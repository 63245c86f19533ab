import { parseArgs } from "node:util";
import { UsageError, wholeNumber } from "../arguments.ts";
import type { FaultPlugIn } from "./plug-in.ts";
import { plugIns } from "./plug-ins.ts";

const names = plugIns.map(({ name }) => name);

/** What `--help` prints. */
export const usage = `usage: npm run faults -- BROKER [options]

Kills, cuts and stalls a server of its own, and the consumers on it, while messages flow. Then checks that
nothing was lost, that every key stayed in order, and that only messages in flight were handled twice.

  BROKER         one of: ${names.join(", ")}
  --rounds N     how many rounds (20)
  --round N      only this round of them
  --seed S       a whole number; the same seed gives the same faults at the same messages (random)
  --messages M   messages of a round (20000)
  --json FILE    where to write the results of every round
  --notes        also print what consumers and publishers reported
  --help         this text

Exit code: 0 nothing lost and in order, 1 a broken promise, 2 wrong arguments.
`;

/** What the command line asked for, checked. */
export interface Arguments {
  readonly plugIn: FaultPlugIn;
  readonly rounds: number;
  /** Only this round of them. */
  readonly only: number | undefined;
  readonly seed: number;
  readonly messages: number;
  readonly json: string | undefined;
  readonly notes: boolean;
}

/** Throws `UsageError`. */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const [name, ...rest] = positionals;
  const plugIn = plugIns.find((one) => one.name === name);
  if (name === undefined) throw new UsageError("No broker was named.");
  if (plugIn === undefined) throw new UsageError(`There is no broker "${name}" here.`);
  if (rest.length > 0) throw new UsageError(`One broker at a time: "${rest.join(" ")}" is too much.`);
  return {
    plugIn,
    rounds: wholeNumber("--rounds", values.rounds ?? "20", 1),
    only: values.round === undefined ? undefined : wholeNumber("--round", values.round, 1),
    seed: wholeNumber("--seed", values.seed ?? String(Math.floor(Math.random() * 1_000_000)), 0),
    messages: wholeNumber("--messages", values.messages ?? "20000", 100),
    json: values.json,
    notes: values.notes === true,
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
    options: {
      rounds: text,
      round: text,
      seed: text,
      messages: text,
      json: text,
      notes: { type: "boolean" },
    },
  });
}
