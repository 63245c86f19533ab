import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ask, findProgram, lastLines } from "../../scripts/brokers/programs.ts";
import { root } from "../../scripts/entry-points.ts";
import { type Consumer, type Name, UnavailableError } from "./contestant.ts";

const compareFolder = fileURLToPath(new URL("..", import.meta.url));
/** Where the Python packages go. Not under version control. */
const environments = join(root, ".cache", "compare");
const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
const installMs = 600_000;

type Report = (line: string) => void;

/** Installs what the contestant needs, unless that is there already, and says how its process is started. */
export function consumerOf(name: Name, report: Report): Promise<Consumer> {
  if (name === "faststream") return fromPython(name, report);
  if (name === "tidelane") return Promise.resolve(fromCheckout());
  if (name === "promise-chain-retry") return fromNpm("promise-chain", ["retry"], report);
  if (name === "bullmq-priority") return fromNpm("bullmq", [], report);
  return fromNpm(name, [], report);
}

function fromCheckout(): Consumer {
  const { version } = readJson(join(root, "package.json"));
  const amqplib = readJson(join(root, "node_modules", "amqplib", "package.json")).version;
  return { ...inNode("tidelane", []), versions: `tidelane ${version}, amqplib ${amqplib}` };
}

function inNode(folder: string, args: readonly string[]): Omit<Consumer, "versions"> {
  const tsconfig = join(compareFolder, folder, "tsconfig.json");
  return {
    program: process.execPath,
    args: ["--import", loader, join(compareFolder, folder, "consumer.ts"), ...args],
    env: { TSX_TSCONFIG_PATH: existsSync(tsconfig) ? tsconfig : join(root, "tsconfig.json") },
  };
}

async function fromNpm(folderName: string, args: readonly string[], report: Report): Promise<Consumer> {
  const folder = join(compareFolder, folderName);
  const wanted = join(folder, "package-lock.json");
  if (!isNewer(join(folder, "node_modules", ".package-lock.json"), wanted)) {
    report(`installing compare/${folderName}/package.json`);
    const options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const { ok, output } = await ask("npm", ["ci", "--prefix", folder, ...options], { timeoutMs: installMs });
    if (!ok) throw new UnavailableError(`npm ci in compare/${folderName} failed: ${lastLines(output, 3)}`);
  }
  return { ...inNode(folderName, args), versions: versionsOf(readJson(join(folder, "package.json"))) };
}

async function fromPython(name: Name, report: Report): Promise<Consumer> {
  const python = findProgram("python3");
  if (python === undefined) throw new UnavailableError("python3 is not on the PATH.");
  const requirements = join(compareFolder, name, "requirements.txt");
  const environment = join(environments, name);
  const program = join(environment, "bin", "python");
  const done = join(environment, "installed.txt");
  if (!isNewer(done, requirements)) {
    report(`installing compare/${name}/requirements.txt with pip`);
    const steps = [
      { program: python, args: ["-m", "venv", environment] },
      { program, args: ["-m", "pip", "install", "--quiet", "-r", requirements] },
      { program, args: ["-c", `open(${JSON.stringify(done)}, "w").close()`] },
    ];
    for (const step of steps) {
      const { ok, output } = await ask(step.program, step.args, { timeoutMs: installMs });
      if (!ok) throw new UnavailableError(`${step.args.join(" ")} failed: ${lastLines(output, 3)}`);
    }
  }
  const versions = readFileSync(requirements, "utf8").trim().split("\n").join(", ").replaceAll("==", " ");
  return {
    program,
    args: [join(compareFolder, name, "consumer.py")],
    env: { PYTHONUNBUFFERED: "1" },
    versions,
  };
}

function isNewer(file: string, than: string): boolean {
  return existsSync(file) && statSync(file).mtimeMs >= statSync(than).mtimeMs;
}

interface PackageJson {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

function readJson(file: string): PackageJson {
  return JSON.parse(readFileSync(file, "utf8"));
}

function versionsOf({ dependencies = {} }: PackageJson): string {
  return Object.entries(dependencies)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}
