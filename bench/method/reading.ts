import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ModuleSpec } from "./contract.ts";

/** A figure that stands against no other loop. Its function resolves with the number. */
export interface Reading extends ModuleSpec {
  readonly name: string;
  readonly label: string;
  readonly unit: string;
  /** The figure to reach. @default there is none */
  readonly atMost?: number;
  /** Of its process. */
  readonly flags?: readonly string[];
}

export interface Taken {
  readonly reading: Reading;
  readonly value: number;
  /** @default there is no figure to reach */
  readonly reached?: boolean;
}

/** A reading takes no longer. */
const patienceMs = 300_000;

/** Takes it in a process of its own. `folder`: of the built bench. Rejects when that ends without a number. */
export async function takeReading(reading: Reading, folder: string): Promise<Taken> {
  const child = fork(join(folder, "method", "reading-process.js"), [], {
    execArgv: ["--expose-gc", ...(reading.flags ?? [])],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    timeout: patienceMs,
    killSignal: "SIGKILL",
  });
  const { module, make, parameters } = reading;
  child.send({ module, make, ...(parameters && { parameters }) } satisfies ModuleSpec);
  const ended = once(child, "exit").then(() => undefined);
  const answer = await Promise.race([once(child, "message"), ended]);
  if (answer === undefined) throw new Error(`The process of ${reading.name} ended without a figure.`);
  await ended;
  return judge(reading, Number(answer[0]));
}

export function judge(reading: Reading, value: number): Taken {
  const { atMost } = reading;
  return { reading, value, ...(atMost !== undefined && { reached: value <= atMost }) };
}

export function readingsTable(taken: readonly Taken[]): string {
  const rows = taken.map(({ reading, value, reached }) => {
    const { label, unit, atMost } = reading;
    const goal = atMost === undefined ? "" : `${reached ? "within" : "over"} ${show(atMost)}`;
    return `| ${label} | ${show(value)} ${unit} | ${goal} |`;
  });
  return ["### Readings", "", "| what | reading | figure to reach |", "| --- | ---: | ---: |", ...rows].join(
    "\n",
  );
}

/** Three digits of what is small, whole numbers of what is not. */
function show(value: number): string {
  return value < 100 ? String(Number(value.toPrecision(3))) : Math.round(value).toLocaleString("en");
}
