import { type ChildProcess, spawn } from "node:child_process";
import { root } from "../../scripts/entry-points.ts";
import type { Consumer } from "./contestant.ts";
import { type Site, siteVariable } from "./site.ts";

/** A contestant's process: started, killed, started again. */
export class ConsumerProcess {
  readonly #consumer: Consumer;
  readonly #site: Site;
  #child: ChildProcess | undefined;
  /** What it printed last, for when it ends by itself. */
  #printed = "";

  constructor(consumer: Consumer, site: Site) {
    this.#consumer = consumer;
    this.#site = site;
  }

  start(): void {
    const { program, args, env } = this.#consumer;
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env, [siteVariable]: JSON.stringify(this.#site) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (text: Buffer): void => {
      this.#printed = (this.#printed + text.toString()).slice(-2_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.on("error", (error) => keep(Buffer.from(error.message)));
    this.#child = child;
  }

  /** Throws when it ended although nobody killed it: there is nothing to compare then. */
  check(): void {
    const child = this.#child;
    if (child === undefined || (child.exitCode === null && child.signalCode === null)) return;
    const how = child.signalCode ?? child.exitCode;
    throw new Error(`The consumer ended by itself (${how}): ${this.#printed.trim() || "it printed nothing"}`);
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
}
