import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startServer } from "./brokers/servers.ts";
import { planRound } from "./faults/plan.ts";
import type { FaultPlugIn } from "./faults/plug-in.ts";
import { plugIns } from "./faults/plug-ins.ts";
import { formatRound, formatSummary } from "./faults/report.ts";
import { type RoundResult, runRound } from "./faults/round.ts";

const names = plugIns.map(({ name }) => name);

const usage = `usage: npm run faults -- BROKER [options]

Kills, cuts and stalls a server of its own and the consumers on it while messages flow, and holds the
books: nothing lost, every key in order, handled again only what was in flight.

  BROKER         one of: ${names.join(", ")}
  --rounds N     how many rounds (20)
  --round N      only this round of them
  --seed S       a whole number; the same seed gives the same faults at the same messages (random)
  --messages M   messages of a round (20000)
  --json FILE    where to write what every round came to
  --notes        print what consumers and publishers told of, too
  --help         this text

Exit code: 0 all as promised, 1 not, 2 wrong arguments.
`;

class UsageError extends Error {}

interface Arguments {
  readonly plugIn: FaultPlugIn;
  readonly rounds: number;
  readonly only: number | undefined;
  readonly seed: number;
  readonly messages: number;
  readonly json: string | undefined;
  readonly notes: boolean;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  const given = readArguments(args);
  const { plugIn, rounds, only, seed, messages } = given;
  const server = await startServer(plugIn.server, { config: plugIn.serverConfig ?? [] });
  process.stdout.write(`${plugIn.name} on ${server.how}, seed ${seed}, ${messages} messages a round\n`);
  const results: RoundResult[] = [];
  try {
    for (const round of only === undefined ? count(rounds) : [only]) {
      const plan = planRound(seed, round, messages, plugIn.furtherKinds);
      const onProgress = (text: string): void => show(`round ${round}/${rounds}: ${text}`);
      const result = await runRound({ plugIn, server, plan, onProgress });
      show("");
      results.push(result);
      process.stdout.write(`${formatRound(result, rounds)}\n`);
      if (given.notes) for (const note of result.notes) process.stdout.write(`  ${note}\n`);
      if (result.violations.length > 0) process.stdout.write(`  again: ${again(given, round)}\n`);
    }
  } finally {
    await server.remove();
  }
  const failed = results.some(({ violations }) => violations.length > 0);
  process.stdout.write(`\n${formatSummary(results, plugIn.repeatsWhy)}\n`);
  process.stdout.write(`One round again: ${again(given, only ?? "N")}\n`);
  if (given.json !== undefined) {
    const report = { broker: plugIn.name, server: server.how, seed, messages, rounds: results };
    writeFileSync(given.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
  return failed ? 1 : 0;
}

function again({ plugIn, seed, messages }: Arguments, round: number | string): string {
  return `npm run faults -- ${plugIn.name} --seed ${seed} --messages ${messages} --round ${round}`;
}

function readArguments(args: readonly string[]): Arguments {
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

function wholeNumber(option: string, text: string, minimum: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= minimum) return value;
  throw new UsageError(`${option} must be a whole number of at least ${minimum}; received "${text}".`);
}

function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

function show(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wrong = error instanceof UsageError;
  show("");
  process.stderr.write(
    wrong ? `${error.message}\n\n${usage}` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = wrong ? 2 : 1;
}
