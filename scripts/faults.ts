import { writeFileSync } from "node:fs";
import { UsageError } from "./arguments.ts";
import { startServer } from "./brokers/servers.ts";
import { expectLosses } from "./expected-losses.ts";
import { type Arguments, readArguments, usage } from "./faults/arguments.ts";
import { planRound } from "./faults/plan.ts";
import { formatRound, formatSummary } from "./faults/report.ts";
import { type RoundResult, runRound } from "./faults/round.ts";

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

function count(to: number): number[] {
  return Array.from({ length: to }, (_, index) => index + 1);
}

function show(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`);
}

expectLosses();
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
// kafkajs may keep the process alive with a client whose connections were cut. Everything has been printed by now.
setTimeout(() => process.exit(), 2_000).unref();
