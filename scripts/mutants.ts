import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { UsageError, wholeNumber } from "./arguments.ts";
import { hunt, type Verdict } from "./mutants/hunt.ts";
import { formatReport, type MutantReport, reportOf } from "./mutants/report.ts";
import { spread } from "./mutants/spread.ts";

const usage = `usage: npm run mutants -- [options]

Changes the memory broker and Outlet in one place at a time, and plays the laws on each change until one of them notices.

  --runs N        histories for each law before a mutant has survived (200 by default)
  --seed S        a whole number; the same seed gives the same histories (1 by default)
  --minutes N     after so many those that are left get no more histories; they survive (15 by default)
  --processes N   how many play (2 by default)
  --only TEXT     mutants whose name has this text; names hold file, function, operator and change
  --again FILE    those that survived in this report
  --sample N      N of them, spread evenly
  --json FILE     where the report goes (mutants-report.json by default)
  --verbose       a line for each mutant
  --help          this text
`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return 0;
  }
  const { values } = parse(args);
  const number = (name: "runs" | "seed" | "minutes" | "processes" | "sample", otherwise: number): number =>
    values[name] === undefined ? otherwise : wholeNumber(`--${name}`, values[name], 1);
  const [runs, seed] = [number("runs", 200), number("seed", 1)];
  const sample = number("sample", Number.MAX_SAFE_INTEGER);
  const again = values.again === undefined ? undefined : survivorsIn(values.again);
  const isWanted = (name: string): boolean =>
    name.includes(values.only ?? "") && (again === undefined || again.has(name));
  const started = performance.now();
  const verdicts = await hunt({
    seed,
    runs,
    minutes: number("minutes", 15),
    processes: number("processes", 2),
    choose: (mutants) =>
      spread(
        mutants.filter(({ name }) => isWanted(name)),
        sample,
      ),
    onFate: values.verbose ? sayFate : showProgress,
  });
  const report = reportOf(verdicts, { seed, runs, seconds: (performance.now() - started) / 1000 });
  process.stdout.write(`\n${formatReport(report)}`);
  const file = values.json ?? "mutants-report.json";
  writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(`report written to ${file}\n`);
  return 0;
}

function survivorsIn(file: string): ReadonlySet<string> {
  const report: MutantReport = JSON.parse(readFileSync(file, "utf8"));
  return new Set(report.survived);
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
    options: {
      runs: text,
      seed: text,
      minutes: text,
      processes: text,
      only: text,
      again: text,
      sample: text,
      json: text,
      verbose: { type: "boolean" },
    },
  });
}

function sayFate({ mutant, fate, aside, seconds }: Verdict): void {
  const by = fate.kind === "killed" ? ` by ${fate.by.law}` : "";
  const entry = aside === undefined ? "" : ` (${aside.kind})`;
  process.stdout.write(`${fate.kind}${by}${entry} ${seconds.toFixed(1)} s  ${mutant.line} ${mutant.name}\n`);
}

function showProgress(_: Verdict, done: number, total: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${done}/${total}`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const wrong = error instanceof UsageError;
  process.stderr.write(
    wrong ? `${error.message}\n\n${usage}` : `${String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = wrong ? 2 : 1;
}
