import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { kafkaJars } from "../../../scripts/brokers/kafka-jars.ts";
import { ask, findProgram } from "../../../scripts/brokers/programs.ts";

const program = fileURLToPath(new URL("JavaMember.java", import.meta.url));

/** Java with the jars of Kafka's client, and the compiler that runs a source file. A string is the reason there is none. */
export async function javaClient(): Promise<{ java: string; jars: string } | string> {
  const java = findProgram("java");
  if (java === undefined) return "java is not on the PATH";
  const { output } = await ask(java, ["--list-modules"], { timeoutMs: 30_000 });
  if (!output.includes("jdk.compiler")) return "java has no compiler: install a JDK";
  const jars = await kafkaJars(() => {});
  return typeof jars === "string" ? jars : { java, jars: jars.folder };
}

/** A member of a group on Kafka's Java client. */
export class JavaMember {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #lines: string[] = [];
  #rest = "";
  #errors = "";

  /** It has ended when the test has. */
  constructor({ java, jars }: { java: string; jars: string }, ...args: string[]) {
    const options = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", join(jars, "*"), program];
    this.#process = spawn(java, [...options, ...args]);
    this.#ended = once(this.#process, "exit");
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      this.#lines.push(...lines);
    });
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#errors += text;
    });
    onTestFinished(() => this.leave());
  }

  /** Its partitions, as "topic-0"; undefined before the first assignment. */
  get assigned(): string[] | undefined {
    if (this.#process.exitCode) throw new Error(`the Java member ended: ${this.#errors}`);
    const [, list] =
      /^assigned (.*)$/.exec(this.#lines.findLast((line) => line.startsWith("assigned")) ?? "") ?? [];
    return list?.split(",").filter((one) => one !== "");
  }

  get records(): string[] {
    return this.#lines.filter((line) => line.startsWith("record ")).map((line) => line.slice(7));
  }

  async leave(): Promise<void> {
    this.#process.stdin.end();
    await this.#ended;
  }
}
