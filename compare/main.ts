import { UsageError } from "../scripts/arguments.ts";
import { referTo } from "../scripts/brokers/processes.ts";
import { releaseServers } from "../scripts/brokers/servers.ts";
import { readArguments, usage } from "./arguments.ts";
import { type Name, UnavailableError } from "./parts/contestant.ts";
import { consumerOf } from "./parts/packages.ts";
import { play } from "./parts/play.ts";
import { keptPromises, type Row, toTable } from "./parts/report.ts";
import { type Scenario, scenarioOf } from "./parts/scenario.ts";
import { stationOf } from "./parts/stations.ts";

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  const { names, messages, workers, seed, markdown } = readArguments(args);
  const scenario = scenarioOf(seed, messages);
  const rows: Row[] = [];
  const missing: string[] = [];
  for (const name of names) {
    try {
      rows.push(await playOne(name, scenario, workers));
    } catch (error) {
      const known = error instanceof UnavailableError || !(error instanceof Error);
      missing.push(`${name}: ${known ? textOf(error) : error.stack}`);
    }
  }
  if (rows.length > 0) print(rows, scenario, workers, markdown);
  for (const line of missing) process.stderr.write(`${line}\n`);
  const broken = rows.some(({ name, result }) => name === "tidelane" && !keptPromises(result));
  if (broken) process.stderr.write("tidelane broke a promise: see its row.\n");
  return missing.length > 0 || broken ? 1 : 0;
}

async function playOne(name: Name, scenario: Scenario, workers: number): Promise<Row> {
  const report = (line: string): void => void process.stderr.write(`${name}: ${line}\n`);
  const consumer = await consumerOf(name, report);
  const station = await stationOf(name, report);
  try {
    report(`${scenario.orders.length} messages on ${station.server}`);
    const result = await play(scenario, workers, station, consumer);
    return { name, versions: consumer.versions, server: station.server, result };
  } finally {
    await station.remove();
  }
}

function print(rows: readonly Row[], scenario: Scenario, workers: number, markdown: boolean): void {
  const bullet = markdown ? "- " : "";
  const lines = rows.map(({ name, versions, server, result }) => {
    return `${bullet}${name}: ${versions}; ${server}; killed ${result.kills} times`;
  });
  const what = `${scenario.orders.length} messages, ${workers} at once, seed ${scenario.seed}, Node ${process.versions.node}`;
  process.stdout.write(`${toTable(rows, markdown)}\n\n${what}\n\n${lines.join("\n")}\n`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wrong = error instanceof UsageError;
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(wrong ? `${error.message}\n\n${usage}` : `${text}\n`);
  process.exitCode = wrong ? 2 : 1;
} finally {
  await releaseServers(referTo(process.pid));
}
