import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { containerLog, containerRuns, endContainer, removeContainer, startContainer } from "./container.ts";
import { ServerRefusedError, ServerStartError } from "./errors.ts";
import { withLock } from "./lock.ts";
import {
  type Command,
  gone,
  isAlive,
  launch,
  type ProcessRef,
  pause,
  residentMiB,
  signal,
} from "./processes.ts";
import { ask, lastLines } from "./programs.ts";
import type { Contact, ServerKind } from "./recipe.ts";
import { recipes } from "./recipes.ts";
import { brokersFolder, folderOf, logOf, readRecord, type ServerRecord, writeRecord } from "./record.ts";

const stopMs = 20_000;

/**
 * A server to work with, and to do harm to. Its state is on disk, so several processes may hold the same one.
 * One that is `external` answers, and refuses everything that would end it.
 */
export class Server implements AsyncDisposable {
  readonly kind: ServerKind;
  readonly name: string;
  readonly how: string;
  /** Whether what was confirmed is still there after `kill` and `restart`. */
  readonly durable: boolean;
  readonly external: boolean;
  readonly #found: ServerRecord;

  constructor(record: ServerRecord) {
    this.kind = record.kind;
    this.name = record.name;
    this.how = record.how;
    this.durable = record.durable;
    this.external = record.launch.type === "external";
    this.#found = record;
  }

  /** How a client gets there. It stays the same over restarts. */
  get contact(): Contact {
    return this.#record().contact;
  }

  /** A URL; for Kafka `host:port`, several with commas. */
  get address(): string {
    return this.contact.address;
  }

  /** Absolute; undefined for an external one. */
  get folder(): string | undefined {
    return this.external ? undefined : folderOf(this.name);
  }

  /** The process a client talks to; undefined in a container or elsewhere. */
  get process(): ProcessRef | undefined {
    return this.#record().main;
  }

  async running(): Promise<boolean> {
    const { launch, main } = this.#record();
    if (launch.type === "external") return true;
    if (launch.type === "container") return containerRuns(launch);
    return main !== undefined && isAlive(main);
  }

  /** Asks the server in its protocol: its name and version, or a rejection with what is wrong. */
  async health(): Promise<string> {
    return recipes[this.kind].health(this.contact);
  }

  /**
   * Resolves when what has been declared up to now (streams, queues, topics) outlives a SIGKILL. To be awaited
   * between the declarations of a test and its first `kill`. Messages are safe as soon as they are confirmed.
   */
  declarationsKept(): Promise<void> {
    return pause(recipes[this.kind].declarationMs);
  }

  /** SIGKILL, sent before this returns; resolves when the process is gone. Does nothing to one that is down. */
  async kill(): Promise<void> {
    const { launch, main } = this.#ours("killed");
    if (launch.type === "container") await endContainer(launch, "kill");
    else if (main && signal(main, "SIGKILL")) await gone(main, stopMs);
  }

  /** SIGTERM, and SIGKILL for what is still there after 20 s. Resolves when the process is gone. */
  async stop(): Promise<void> {
    const { launch, main } = this.#ours("stopped");
    if (launch.type === "container") await endContainer(launch, "stop");
    else if (main && signal(main, "SIGTERM") && !(await gone(main, stopMs))) await this.kill();
  }

  /** Starts it again on the same data and address, after a stop if it runs. Resolves when it is ready for clients. */
  async restart(): Promise<void> {
    if (!this.#ours("restarted").durable)
      throw new ServerRefusedError(`${this.how} keeps no data: it cannot restart.`);
    await withLock(lockOf(this.name), 120_000, async () => {
      if (await this.running()) await this.stop();
      await this.start();
    });
  }

  /** Starts it and waits until it is ready. The caller sees to it that it is down and that nobody else starts it. */
  async start(): Promise<void> {
    const record = this.#ours("started");
    if (record.launch.type === "process") await this.#startProcesses(record);
    if (record.launch.type === "container") {
      const { ok, output } = await startContainer(record.launch);
      if (!ok) throw new ServerStartError(`${this.how} did not start: ${lastLines(output, 10)}`);
    }
    await this.ready();
  }

  /** Resolves when it answers. Rejects with the tail of its log when it ends before, or takes too long. */
  async ready(): Promise<void> {
    const { startMs } = recipes[this.kind];
    const deadline = performance.now() + startMs;
    for (;;) {
      const error = await this.#failure();
      if (error === undefined) return;
      const over = performance.now() > deadline;
      if (over || !(await this.running())) {
        const what = over ? `was not ready in ${startMs / 1000} s` : "ended while it was starting";
        if (this.external) throw new ServerStartError(`${this.kind} at the ${this.how} ${what}: ${error}`);
        // RabbitMQ first says what is wrong, and then much more.
        const tail = await this.logTail(100);
        throw new ServerStartError(`${this.how} ${what}: ${error}\nThe end of its log:\n${tail}`);
      }
      await pause(50);
    }
  }

  /** The end of what the server printed, over all its starts. */
  async logTail(lines = 40): Promise<string> {
    const { launch } = this.#record();
    if (launch.type === "container") return containerLog(launch, lines);
    try {
      return lastLines(readFileSync(logOf(this.name), "utf8"), lines);
    } catch {
      return "(it has none)";
    }
  }

  /** Resident memory of its processes; 0 where they are not ours to see. */
  memoryMiB(): number {
    const { main, before } = this.#record();
    return (main ? residentMiB(main) : 0) + (before ? residentMiB(before) : 0);
  }

  /** Ends it and deletes its data. Idempotent; an external one is left as it is. */
  async remove(): Promise<void> {
    if (this.external || readRecord(this.name) === undefined) return;
    const { launch, before } = this.#record();
    await this.kill();
    if (launch.type === "process" && launch.after) await insist(launch.after, 2000);
    if (before && signal(before, "SIGKILL")) await gone(before, stopMs);
    if (launch.type === "container") await removeContainer(launch);
    // On a busy machine the last writes of a killed server come late: each attempt waits 100 ms longer than the one before.
    rmSync(folderOf(this.name), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  async #startProcesses(record: ServerRecord): Promise<void> {
    if (record.launch.type !== "process") return;
    const site = { cwd: folderOf(this.name), log: logOf(this.name) };
    let { before } = record;
    if (record.launch.before && !(before && isAlive(before)))
      before = await launch(record.launch.before, site);
    const main = await launch(record.launch.main, site);
    const started = { ...record, main, ...(before && { before }) };
    writeRecord(started);
    if (record.launch.addressInLog === undefined) return;
    const address = await this.#addressInLog(new RegExp(record.launch.addressInLog));
    writeRecord({ ...started, contact: { ...record.contact, address } });
  }

  async #addressInLog(pattern: RegExp): Promise<string> {
    const deadline = performance.now() + recipes[this.kind].startMs;
    for (;;) {
      const address = pattern.exec(await this.logTail(1000))?.[1];
      if (address !== undefined) return address;
      if (performance.now() > deadline || !(await this.running())) {
        throw new ServerStartError(`${this.how} told no address:\n${await this.logTail()}`);
      }
      await pause(50);
    }
  }

  async #failure(): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("no answer in 10 s")), 10_000);
    });
    try {
      await Promise.race([this.health(), late]);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #record(): ServerRecord {
    if (this.external) return this.#found;
    const record = readRecord(this.name);
    if (record === undefined)
      throw new ServerRefusedError(`The ${this.kind} server ${this.name} has been removed.`);
    return record;
  }

  #ours(what: string): ServerRecord {
    if (!this.external) return this.#record();
    throw new ServerRefusedError(`${this.kind} at the ${this.how} is not ours: it is not ${what}.`);
  }
}

async function insist({ program, args, env }: Command, forMs: number): Promise<void> {
  const deadline = performance.now() + forMs;
  while (!(await ask(program, args, { timeoutMs: 10_000, env })).ok && performance.now() < deadline) {
    await pause(20);
  }
}

/** Held while a server is found, started or removed. */
export function lockOf(name: string): string {
  return join(brokersFolder, "locks", `${name}.lock`);
}
