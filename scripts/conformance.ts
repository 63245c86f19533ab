import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { isTidelaneError } from "tidelane";
import { type LawName, type LawReport, lawNames, runConformance, toMarkdown } from "tidelane/conformance";
import { UsageError, wholeNumber } from "./arguments.ts";
import { referTo } from "./brokers/processes.ts";
import { releaseServers } from "./brokers/servers.ts";
import { fixtures } from "./conformance/fixtures.ts";

const usage = `usage: npm run conformance -- BROKER [options]

  BROKER         one of: ${Object.keys(fixtures).join(", ")}
  --runs N       histories for each law (200 by default, 10 on a live broker)
  --seed S       a whole number; the same seed gives the same histories
  --law NAME     only this law; may be given several times
  --path P       replays one history: the path of a counterexample, with its seed and law
  --json FILE    where the report goes (conformance-report.json by default)
  --help         this text

laws: ${lawNames.join(", ")}
`;

interface Arguments {
  readonly broker: string;
  readonly laws: LawName[] | undefined;
  readonly runs: number | undefined;
  readonly seed: number | undefined;
  readonly path: string | undefined;
  readonly json: string;
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  const { broker, json, ...given } = readArguments(args);
  const started = performance.now();
  const module = new URL("./conformance/fixtures.ts", import.meta.url);
  const fixture = { module, name: "load", input: broker, loader: "tsx/esm/api" };
  const report = await runConformance(fixture, {
    ...(given.laws === undefined ? {} : { laws: given.laws }),
    ...(given.runs === undefined ? {} : { runs: given.runs }),
    ...(given.seed === undefined ? {} : { seed: given.seed }),
    ...(given.path === undefined ? {} : { path: given.path }),
    onProgress: showProgress,
  });
  clearProgress();
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(toMarkdown(report));
  await writeFile(json, `${JSON.stringify({ ...report, seconds }, undefined, 2)}\n`).catch((error: Error) => {
    throw new UsageError(`The report cannot be written to ${json} (${error.message}).`);
  });
  process.stdout.write(
    `\n${report.histories} histories in ${seconds.toFixed(1)} s; report written to ${json}\n`,
  );
  return report.laws.some(({ verdict }) => verdict === "fail") ? 1 : 0;
}

function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parse(args);
  const [name, ...rest] = positionals;
  if (name === undefined) throw new UsageError("No broker was named.");
  if (fixtures[name] === undefined) throw new UsageError(`There is no broker "${name}" here.`);
  if (rest.length > 0) throw new UsageError(`One broker at a time: "${rest.join(" ")}" is too much.`);
  return {
    broker: name,
    laws: values.law?.map(lawName),
    runs: values.runs === undefined ? undefined : wholeNumber("--runs", values.runs, 1),
    seed: values.seed === undefined ? undefined : wholeNumber("--seed", values.seed, -(2 ** 31)),
    path: values.path,
    json: values.json ?? "conformance-report.json",
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
    // A negative seed would be read as an option.
    args: args.flatMap((arg, index) => {
      if (arg === "--seed" && args[index + 1]?.startsWith("-")) return [`--seed=${args[index + 1]}`];
      return args[index - 1] === "--seed" && arg.startsWith("-") ? [] : [arg];
    }),
    allowPositionals: true,
    options: { runs: text, seed: text, law: { type: "string", multiple: true }, path: text, json: text },
  });
}

function lawName(text: string): LawName {
  const name = lawNames.find((candidate) => candidate === text);
  if (name === undefined) throw new UsageError(`There is no law "${text}".`);
  return name;
}

function showProgress(law: LawReport, done: number, total: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${done}/${total} ${law.law}: ${law.verdict}`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[2K");
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wrong = error instanceof UsageError || isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT");
  clearProgress();
  process.stderr.write(
    wrong ? `${error.message}\n\n${usage}` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = wrong ? 2 : 1;
} finally {
  await releaseServers(referTo(process.pid));
}
