import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { ModuleSpec, Sample } from "./contract.ts";
import type { Answer, Order } from "./wire.ts";

/** A loop that does nothing for so long is stuck. */
const patienceMs = 120_000;

export interface ProcessOptions {
  /** Of the built bench. */
  readonly folder: string;
  readonly role: "loop" | "partner";
  readonly spec: ModuleSpec;
  readonly address: string;
  /** Where its processor profile goes. @default none is made */
  readonly profiles?: string | undefined;
}

/** One process of the bench, spoken to in orders. One order at a time, but for credits. */
export class BenchProcess {
  readonly #child: ChildProcess;
  readonly #what: string;
  #waiting: { readonly type: Answer["type"]; settle(answer: Answer | Error): void } | undefined;
  /** Came while nobody waited for it. */
  #early: Sample | undefined;
  #failure: Error | undefined;
  onTaken: (taken: number) => void = () => {};

  static async start(options: ProcessOptions): Promise<BenchProcess> {
    const started = new BenchProcess(options);
    await started.do({ type: "load", spec: options.spec, address: options.address });
    return started;
  }

  private constructor({ folder, role, spec, profiles }: ProcessOptions) {
    this.#what = `${spec.make} of ${spec.module}`;
    const name = `${spec.make}-${Object.values(spec.parameters ?? {}).join("-")}-${Date.now()}.cpuprofile`;
    const profiling =
      profiles === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}`];
    this.#child = fork(join(folder, "method", `${role}-process.js`), [], {
      execArgv: role === "loop" ? profiling : [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#child.on("message", (answer) => this.#on(answer as Answer));
    this.#child.on("exit", (code) => this.#fail(new Error(`The process of ${this.#what} ended (${code}).`)));
  }

  /** Resolves when it has done it. */
  async do(order: Order): Promise<void> {
    const answer = this.#await("done");
    this.#child.send(order);
    await answer;
  }

  /** The sample an order ends with, now or later. */
  async measure(order: Order): Promise<Sample> {
    const answer = this.sample();
    this.#child.send(order);
    return answer;
  }

  async sample(): Promise<Sample> {
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) return early;
    const answer = await this.#await("sample");
    if (answer.type !== "sample") throw new Error(`${this.#what} answered ${answer.type}.`);
    return answer.sample;
  }

  credit(taken: number): void {
    this.#child.send({ type: "credit", taken } satisfies Order);
  }

  async close(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    this.#child.send({ type: "close" } satisfies Order);
    await gone;
    clearTimeout(late);
  }

  #await(type: Answer["type"]): Promise<Answer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#fail(new Error(`${this.#what} has not answered "${type}" for ${patienceMs / 1000} s.`)),
        patienceMs,
      );
      this.#waiting = {
        type,
        settle: (answer) => {
          clearTimeout(timer);
          this.#waiting = undefined;
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        },
      };
    });
  }

  #on(answer: Answer): void {
    if (answer.type === "taken") this.onTaken(answer.taken);
    else if (answer.type === "failed") this.#fail(new Error(`${this.#what} failed: ${answer.error}`));
    else if (this.#waiting?.type === answer.type) this.#waiting.settle(answer);
    else if (answer.type === "sample") this.#early = answer.sample;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.settle(error);
  }
}
