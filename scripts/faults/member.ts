import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { root } from "../entry-points.ts";
import type { ConsumerSite, News, Order } from "./messages.ts";
import type { Leaving } from "./plan.ts";

const program = fileURLToPath(new URL("consumer.ts", import.meta.url));
const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

/** "loading": the process is there, and its program is not yet. */
export type MemberState = "loading" | "opening" | "open" | "leaving" | "left" | "gone";

/** A program that takes longer to load does not load. */
const longestLoadMs = 120_000;

/** A consumer's process, as the run sees it: started, told what to do, killed, started again. */
export class Member {
  readonly #site: ConsumerSite;
  readonly #note: (text: string) => void;
  #child: ChildProcess | undefined;
  /** What it printed last, for when it ends by itself. */
  #printed = "";
  #state: MemberState = "gone";
  #startedAt = 0;

  constructor(site: ConsumerSite, note: (text: string) => void) {
    this.#site = site;
    this.#note = (text) => note(`consumer ${site.member}: ${text}`);
  }

  get state(): MemberState {
    return this.#child === undefined ? "gone" : this.#state;
  }

  /** Whether the machine is still busy with its program. */
  get loading(): boolean {
    return this.state === "loading" && performance.now() - this.#startedAt < longestLoadMs;
  }

  /** "consumer 2 is opening" */
  describe(): string {
    return `consumer ${this.#site.member} is ${this.state}`;
  }

  /** Resolves when it consumes, or when it was killed before. */
  async start(): Promise<void> {
    const child = fork(program, [JSON.stringify(this.#site)], {
      cwd: root,
      execArgv: ["--import", loader],
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#child = child;
    this.#printed = "";
    this.#state = "loading";
    this.#startedAt = performance.now();
    for (const output of [child.stdout, child.stderr]) {
      output?.on("data", (text: Buffer) => {
        this.#printed = (this.#printed + text.toString()).slice(-2_000);
      });
    }
    child.on("message", (news: News) => {
      if (news.is === "note") this.#note(news.text);
      else this.#state = news.is === "loaded" ? "opening" : news.is;
    });
    child.on("exit", (code, signal) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      this.#note(`ended by itself (${signal ?? code}): ${this.#printed.trim() || "it printed nothing"}`);
    });
    await heard(child, "open");
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exited = gone(child);
    child.kill("SIGKILL");
    await exited;
  }

  /** Resolves when it consumes again. */
  async reopen(how: Exclude<Leaving, "kill">): Promise<void> {
    await this.#tell({ do: "reopen", how }, "open");
  }

  /** Resolves when its process is gone. */
  async leave(how: Leaving): Promise<void> {
    if (how !== "kill") await this.#tell({ do: "leave", how }, "left");
    await this.kill();
  }

  async #tell(order: Order, answer: News["is"]): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#state = order.do === "leave" ? "leaving" : "opening";
    const answered = heard(child, answer);
    child.send(order);
    await answered;
  }
}

/** Resolves with the next news of this kind, or when there can be none any more. */
function heard(child: ChildProcess, kind: News["is"]): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      child.off("message", listen);
      child.off("exit", done);
      resolve();
    };
    const listen = (news: News): void => {
      if (news.is === kind) done();
    };
    child.on("message", listen);
    child.once("exit", done);
  });
}

function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
  });
}
