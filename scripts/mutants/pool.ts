import { type ChildProcess, fork } from "node:child_process";
import { cpuSeconds } from "./cpu-time.ts";
import type { Answer, Assignment, Killed, Order } from "./messages.ts";

/** A player that says nothing while it works for so long has a mutant that loops. */
const silentSeconds = 10;
const memoryMb = 512;

/** How a mutant ended. "looped", "starved" and "died" end the process that plays, as they would that of a user. */
export type Fate =
  | { readonly kind: "killed"; readonly by: Killed }
  | { readonly kind: "survived"; readonly histories: number }
  | { readonly kind: "looped" | "died"; readonly law: string | undefined; readonly error: string };

/** One process that plays. It is made anew after a mutant that did not end well. */
export class Player {
  readonly #bundle: string;
  /** How long one mutant may be worked at. */
  readonly #limitSeconds: number;
  #child: ChildProcess | undefined;
  /** Mutants it has played. */
  #played = 0;

  constructor(bundle: string, limitSeconds: number) {
    this.#bundle = bundle;
    this.#limitSeconds = limitSeconds;
  }

  async play(assignment: Assignment, afresh: boolean): Promise<Fate> {
    if (afresh || this.#played >= 50) this.end();
    this.#played += 1;
    const order: Order = { kind: "play", assignment };
    const activeAtLoad = afresh ? assignment.mutant : 0;
    let answer = await this.#ask(order, activeAtLoad);
    if (answer.kind === "accepted") {
      this.end();
      answer = await this.#ask(order, activeAtLoad);
    }
    if (answer.kind === "killed" || answer.kind === "survived") {
      const isClean = answer.kind === "survived" || !answer.by.observed.includes("never answered");
      if (afresh || !isClean) this.end();
      return answer;
    }
    this.end();
    if (answer.kind === "looped" || answer.kind === "died") return answer;
    throw new Error(`The player answered "${answer.kind}" to a mutant.`);
  }

  async reach(order: Order): Promise<Readonly<Record<string, readonly number[]>>> {
    const answer = await this.#ask(order, 0);
    if (answer.kind === "reached") return answer.by;
    throw new Error(`What the laws reach is not known: ${JSON.stringify(answer)}`);
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
    this.#played = 0;
  }

  #start(activeAtLoad: number): ChildProcess {
    const child = fork(this.#bundle, {
      execArgv: [`--max-old-space-size=${memoryMb}`, "--no-warnings"],
      env: { ...process.env, TIDELANE_MUTANT: String(activeAtLoad) },
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#child = child;
    return child;
  }

  #ask(order: Order, activeAtLoad: number): Promise<Answer | Fate> {
    const child = this.#child?.connected === true ? this.#child : this.#start(activeAtLoad);
    const started = cpuSeconds(child.pid);
    let heard = started;
    let law: string | undefined;
    let accepted = false;
    return new Promise((resolve) => {
      const finish = (answer: Answer | Fate): void => {
        clearInterval(watch);
        child.removeAllListeners();
        resolve(answer);
      };
      const watch = setInterval(() => {
        const now = cpuSeconds(child.pid);
        if (now - heard > silentSeconds) finish({ kind: "looped", law, error: "it did not come back" });
        else if (now - started > this.#limitSeconds)
          finish({ kind: "looped", law, error: "it took too long" });
      }, 250);
      child.on("message", (answer: Answer) => {
        heard = cpuSeconds(child.pid);
        if (answer.kind === "alive") law = answer.law;
        if (answer.kind === "accepted") accepted = true;
        if (answer.kind !== "alive" && answer.kind !== "accepted") finish(answer);
      });
      child.once("exit", (code, signal) => {
        // It ended by what was left over of the mutant before.
        if (!accepted) finish({ kind: "accepted" });
        else finish({ kind: "died", law, error: `the process ended (${signal ?? code})` });
      });
      child.once("error", (error) => finish({ kind: "died", law, error: error.message }));
      child.send(order);
    });
  }
}
