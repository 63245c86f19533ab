import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { referTo } from "../scripts/brokers/processes.ts";
import type { ServerKind } from "../scripts/brokers/recipe.ts";
import { releaseServers, sharedServer } from "../scripts/brokers/servers.ts";
import { againstOther } from "./method/against.ts";
import { buildTree } from "./method/build.ts";
import { toChart } from "./method/chart.ts";
import { conduct, type Pace, type Result } from "./method/conduct.ts";
import { commitOf, describeEnvironment } from "./method/environment.ts";
import { installPeers } from "./method/peers.ts";
import { readingsTable, type Taken, takeReading } from "./method/reading.ts";
import { type Measure, rowsOf, toMarkdown } from "./method/report.ts";
import { type Scenario, scenarios } from "./scenarios/index.ts";

const usage = `usage: npm run bench -- SCENARIO... [options]

  SCENARIO         any of: ${Object.keys(scenarios).join(", ")}; all: every one,
                   written to docs/bench/report.md and docs/bench/ratios.svg unless it is quick
  --quick          3 rounds of 0.4 s instead of 5 of 3 s: a first look, too short for a claim
  --rounds N       how many rounds
  --seconds S      how long a round is at least
  --only TEXT      only contests with TEXT in their name
  --against DIR    each loop a second time, in turn with the first, with the library of the checkout DIR
  --cpu            compares processor time in every row, for a machine that does other work too
  --json FILE      all samples, and what follows from them
  --markdown FILE  the tables
  --chart FILE     the ratios, as an SVG image
  --profile DIR    a processor profile of each loop
  --help           this text
`;

class UsageError extends Error {}

interface Measured {
  readonly results: readonly Result[];
  readonly taken: readonly Taken[];
  /** What each server said of itself. */
  readonly servers: Readonly<Record<string, string>>;
}

interface Arguments extends Pace {
  readonly names: readonly string[];
  readonly quick: boolean;
  readonly only: string;
  readonly json: string | undefined;
  readonly markdown: string | undefined;
  readonly chart: string | undefined;
  readonly profile: string | undefined;
  readonly against: string | undefined;
  readonly measure: Measure;
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return;
  }
  const given = readArguments(args);
  const chosen = given.names.map((name) => scenarioOf(name));
  const peers = chosen.some((scenario) => scenario.peers);
  if (peers) installPeers(progress);
  const machine = describeEnvironment(peers);
  const { results, taken, servers } = await measure(given, chosen);
  if (results.length + taken.length === 0)
    throw new UsageError(`No contest has "${given.only}" in its name.`);
  const held = given.against === undefined ? {} : { against: commitOf(checkout(given.against)) };
  const environment = { ...machine, ...held, ...servers };
  progress("");
  const tables = [
    toMarkdown(results, environment, given.measure),
    ...(taken.length > 0 ? [readingsTable(taken)] : []),
  ];
  const markdown = `${tables.join("\n\n")}\n`;
  process.stdout.write(markdown);
  if (given.markdown !== undefined) await write(given.markdown, markdown);
  if (given.chart !== undefined) await write(given.chart, toChart(results, given.measure));
  if (given.json !== undefined) {
    // Without the work: it holds addresses.
    const contests = results.map((result) => {
      const { name, title } = result.contest;
      return { name, title, samples: result.samples, rows: rowsOf(result, given.measure) };
    });
    await write(
      given.json,
      `${JSON.stringify({ environment, rounds: given.rounds, roundMs: given.roundMs, contests, readings: taken }, undefined, 2)}\n`,
    );
  }
}

async function measure(given: Arguments, chosen: readonly Scenario[]): Promise<Measured> {
  const folder = await buildTree();
  const { rounds, roundMs, profile: profiles, against } = given;
  const other = against === undefined ? undefined : await buildTree("other", checkout(against));
  const folders = { this: folder, ...(other !== undefined && { other }) };
  const isChosen = ({ name }: { readonly name: string }): boolean => name.includes(given.only);
  const addresses: Partial<Record<ServerKind, string>> = {};
  const servers: Record<string, string> = {};
  const results: Result[] = [];
  const taken: Taken[] = [];
  // What needs fewer servers comes first: what runs in process has none of them beside it.
  for (const scenario of chosen.toSorted((a, b) => a.servers.length - b.servers.length)) {
    for (const kind of scenario.servers) {
      if (addresses[kind] !== undefined) continue;
      progress(`starting ${kind}`);
      const server = await sharedServer(kind);
      addresses[kind] = server.address;
      servers[kind] = await server.health();
    }
    for (const contest of scenario.contests(addresses).filter(isChosen)) {
      const held = other === undefined ? contest : againstOther(contest);
      results.push(await conduct(held, { folders, rounds, roundMs, profiles, progress }));
    }
    for (const reading of (scenario.readings?.(given) ?? []).filter(isChosen)) {
      progress(reading.label);
      taken.push(await takeReading(reading, folder));
    }
  }
  return { results, taken, servers };
}

function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  if (positionals.length === 0) throw new UsageError("No scenario was named.");
  const all = positionals.includes("all");
  const names = all ? Object.keys(scenarios) : positionals;
  const quick = values.quick === true;
  // A look leaves the report as it is.
  const written = all && !quick;
  return {
    names,
    quick,
    only: values.only ?? "",
    rounds: positive("--rounds", values.rounds, quick ? 3 : 5),
    roundMs: positive("--seconds", values.seconds, quick ? 0.4 : 3) * 1000,
    json: values.json,
    markdown: values.markdown ?? (written ? "docs/bench/report.md" : undefined),
    chart: values.chart ?? (written ? "docs/bench/ratios.svg" : undefined),
    profile: values.profile,
    against: values.against,
    measure: values.cpu === true ? "cpu" : "rate",
  };
}

function parse(args: readonly string[]) {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        quick: { type: "boolean" },
        cpu: { type: "boolean" },
        rounds: text,
        seconds: text,
        only: text,
        json: text,
        markdown: text,
        chart: text,
        profile: text,
        against: text,
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function positive(option: string, text: string | undefined, otherwise: number): number {
  const value = text === undefined ? otherwise : Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new UsageError(`${option} must be a number above 0; received "${text}".`);
}

function scenarioOf(name: string): (typeof scenarios)[string] {
  const scenario = scenarios[name];
  if (scenario === undefined) throw new UsageError(`There is no scenario "${name}".`);
  return scenario;
}

function checkout(folder: string): string {
  const found = resolve(folder);
  if (existsSync(join(found, "src", "index.ts"))) return found;
  throw new UsageError(`--against names a checkout of tidelane; there is no src/index.ts in "${folder}".`);
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** On a terminal, over the line before. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${line}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  progress("");
  const wrong = error instanceof UsageError;
  process.stderr.write(
    wrong ? `${error.message}\n\n${usage}` : `${error instanceof Error ? error.stack : error}\n`,
  );
  process.exitCode = wrong ? 2 : 1;
} finally {
  await releaseServers(referTo(process.pid));
}
