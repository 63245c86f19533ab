import { parseArgs } from "node:util";
import { UsageError, wholeNumber } from "../scripts/arguments.ts";
import { contestants, type Name } from "./parts/contestant.ts";

export const usage = `usage: npm run compare -- NAME... [options]

  NAME             any of: ${contestants.join(", ")}; all: every one
  --messages N     messages to publish; default 2000, at least 100
  --at-once N      handlers at once; default 8
  --seed S         of the messages, delays and failures; default 1
  --markdown       the table in Markdown
  --help           this text

Each row plays the same job on a real server: RabbitMQ, or Redis for bullmq. There are 50 keys and 8 handlers at once. One
message in 20 throws at its first attempt, one throws always, and the consumer is killed twice with SIGKILL. The first use
installs what is missing. Exits with 1 if a row cannot run, or if tidelane breaks a promise.
`;

export interface Arguments {
  readonly names: readonly Name[];
  readonly messages: number;
  /** Handlers at once. */
  readonly workers: number;
  readonly seed: number;
  readonly markdown: boolean;
}

/** Throws `UsageError`. */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length === 0) throw new UsageError("Nothing to compare was named.");
  const names = positionals.includes("all") ? contestants : positionals.map(nameOf);
  return {
    names,
    messages: wholeNumber("--messages", values.messages, 100),
    workers: wholeNumber("--at-once", values["at-once"], 1),
    seed: wholeNumber("--seed", values.seed, 0),
    markdown: values.markdown,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        messages: { type: "string", default: "2000" },
        "at-once": { type: "string", default: "8" },
        seed: { type: "string", default: "1" },
        markdown: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function nameOf(text: string): Name {
  const name = contestants.find((other) => other === text);
  if (name !== undefined) return name;
  throw new UsageError(`There is nothing to compare named "${text}".`);
}
