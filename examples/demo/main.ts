import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Arguments, helpText, readArguments, UsageError } from "./arguments.ts";
import { BrokerError, brokerNames, connectTo } from "./brokers.ts";
import { endQuietlyWithoutReader, withInterrupt } from "./interrupts.ts";
import { InputError, openInput, readLines } from "./log-reader.ts";
import { Progress } from "./progress.ts";
import { exitCodeOf, formatReport, remarks } from "./report.ts";
import { replayLog } from "./run.ts";
import { checkWritable, OutputError, writeTimeline } from "./timeline-file.ts";

const exampleLog = fileURLToPath(new URL("../data/dpkg.log", import.meta.url));

endQuietlyWithoutReader(process.stdout);
endQuietlyWithoutReader(process.stderr);
process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  try {
    const options = readArguments(argv, brokerNames);
    if (options === "help") {
      process.stdout.write(helpText(brokerNames));
      return 0;
    }
    return await demo(options);
  } catch (error) {
    if (error instanceof UsageError) return complain(`${error.message}\nTry: npm run demo -- --help`, 2);
    const isClear =
      error instanceof InputError || error instanceof OutputError || error instanceof BrokerError;
    if (isClear) return complain(error.message, 1);
    throw error;
  }
}

async function demo(options: Arguments): Promise<number> {
  const { workers, seed, broker } = options;
  const path = options.file === undefined ? exampleLog : fromCaller(options.file);
  const svg = options.svg === undefined ? undefined : fromCaller(options.svg);
  const input = path === "-" ? "standard input" : basename(path);
  const name = path === "-" ? "Standard input" : JSON.stringify(options.file ?? path);
  const progress = new Progress(process.stderr);
  const { result, recording } = await withInterrupt(
    () => {
      progress.clear();
      complain("Stopping: the lines the workers have are finished first; Ctrl-C again stops at once.", 0);
    },
    async (interrupt) => {
      const stream = await openInput(path, interrupt);
      if (svg !== undefined) await checkWritable(svg, path);
      const connection = await connectTo(broker, (line) => void complain(line, 0));
      try {
        const lines = readLines(stream, name, interrupt);
        const onProgress = progress.update.bind(progress);
        const onError = (error: unknown): void => void complain(`The pipeline reports: ${String(error)}`, 1);
        return await replayLog({ connection, lines, workers, seed, interrupt, onProgress, onError });
      } finally {
        progress.clear();
        await connection.close();
      }
    },
  );
  process.exitCode = exitCodeOf(result);
  const facts = { input, workers, seed, broker };
  process.stdout.write(formatReport(result, facts));
  if (svg !== undefined) {
    const title = `${input}: ${workers} workers, every package in order`;
    await writeTimeline(svg, options.theme, { title, workers, recording });
    process.stdout.write(`\nThe timeline is in ${options.svg}.\n`);
  }
  for (const remark of remarks(result)) complain(remark, 0);
  return exitCodeOf(result);
}

/** A path as the caller means it: npm runs scripts in the package's folder and says where it was called. */
function fromCaller(path: string): string {
  return path === "-" ? path : resolve(process.env["INIT_CWD"] ?? ".", path);
}

function complain(sentence: string, code: number): number {
  process.stderr.write(`${sentence}\n`);
  return code;
}
