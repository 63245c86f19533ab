import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TcpProxy } from "../../test/live/tcp-proxy.ts";
import type { Server } from "../brokers/server.ts";
import { Harm } from "./harm.ts";
import { JournalReader } from "./journal.ts";
import { type Findings, Ledger } from "./ledger.ts";
import { Members } from "./members.ts";
import { describeFault, type FaultPlan, type RoundPlan } from "./plan.ts";
import type { FaultFacts, FaultPlugIn, Place, Station } from "./plug-in.ts";
import { Publishing } from "./publishing.ts";
import { violationsOf } from "./verdict.ts";

const keys = 200;
/** What one consumer holds unsettled at most: the workers' eight, and what waits behind them. */
const inFlight = 64;
const tickMs = 20;
/** The server was there, and nothing was confirmed or handled for so long: it hangs. */
const patienceMs = 30_000;

export interface FaultRecord {
  readonly what: string;
  /** Seconds from the beginning of the round. */
  readonly atS: number;
  /** Different messages handled by then. */
  readonly afterHandled: number;
  readonly mostRepeats: number;
}

/** A fault that has begun, with what its bound goes by. */
type Begun = Omit<FaultRecord, "mostRepeats"> & { readonly facts: FaultFacts };

export interface RoundResult extends Findings {
  readonly round: number;
  readonly faults: readonly FaultRecord[];
  readonly mostRepeats: number;
  /** Publishes that were rejected, and tried again. */
  readonly publishFailures: number;
  readonly seconds: number;
  /** What consumers and publisher told, the same things once, with how often. */
  readonly notes: readonly string[];
  /** What is not as it should be, a sentence each. */
  readonly violations: readonly string[];
}

export interface RoundSite {
  readonly plugIn: FaultPlugIn;
  readonly server: Server;
  readonly plan: RoundPlan;
  readonly onProgress?: (text: string) => void;
}

/** One round, from the declaration to the verdict. Nothing it started is left, except the server. */
export async function runRound(site: RoundSite): Promise<RoundResult> {
  const folder = mkdtempSync(join(tmpdir(), "tidelane-faults-"));
  const { contact } = site.server;
  const [host = "127.0.0.1", port = "0"] = hostAndPort(contact.address);
  const proxy = await TcpProxy.to(host, Number(port));
  const round = new Round(site, proxy, join(folder, "journal"));
  try {
    return await round.run();
  } finally {
    proxy.resume();
    await round.end();
    await proxy.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

class Round {
  readonly #site: RoundSite;
  readonly #proxy: TcpProxy;
  readonly #journal: JournalReader;
  readonly #members: Members;
  readonly #place: Place;
  readonly #ledger = new Ledger();
  readonly #notes = new Map<string, number>();
  /** Faults that have begun. */
  readonly #records = new Map<FaultPlan, Begun>();
  readonly #startedAt = performance.now();
  #publishing: Publishing | undefined;
  #faultsOpen = 0;
  #progressAt = performance.now();

  constructor(site: RoundSite, proxy: TcpProxy, journal: string) {
    this.#site = site;
    this.#proxy = proxy;
    this.#journal = new JournalReader(journal);
    const name = `faults-${process.pid}-${Date.now()}-${site.plan.round}`;
    this.#place = { topic: name, group: `${name}-group`, inFlight };
    const { plugIn, server, plan } = site;
    const consumer = {
      plugIn: plugIn.name,
      contact: server.contact,
      port: proxy.port,
      journal,
      seed: plan.seed,
    };
    this.#members = new Members({ ...consumer, place: this.#place }, (text) => this.#note(text));
  }

  async run(): Promise<RoundResult> {
    const { plugIn, server, plan } = this.#site;
    const station = await plugIn.connect({ contact: server.contact, port: this.#proxy.port });
    try {
      await station.declare(this.#place);
      await this.#members.add();
      await server.declarationsKept();
      const { messages, seed } = plan;
      const publishing = new Publishing({
        station,
        place: this.#place,
        ledger: this.#ledger,
        messages,
        keys,
        seed,
      });
      this.#publishing = publishing;
      const published = publishing.run();
      const hangs = !(await this.#watch(station));
      publishing.stop();
      if (!hangs) {
        await published;
        await this.#calmDown();
      }
      return this.#result(hangs);
    } finally {
      this.#publishing?.stop();
      await station.close();
    }
  }

  /** Does not reject. */
  async end(): Promise<void> {
    await this.#members.kill();
    this.#journal.close();
  }

  /** Reads the journal and begins faults, until everything is over. False when nothing moves any more. */
  async #watch(station: Station): Promise<boolean> {
    const { plan } = this.#site;
    const waiting = [...plan.faults];
    const harm = new Harm({
      server: this.#site.server,
      proxy: this.#proxy,
      members: this.#members,
      seed: plan.seed,
      restarted: (fault) => this.#askForgotten(fault, station),
    });
    this.#progressAt = performance.now();
    for (;;) {
      this.#read();
      while (waiting[0] !== undefined && this.#ledger.handledCount >= waiting[0].afterHandled) {
        this.#begin(waiting.shift() as FaultPlan, harm);
      }
      const { confirmedCount } = this.#ledger;
      if (confirmedCount === plan.messages && this.#faultsOpen === 0 && this.#ledger.complete) return true;
      // On a busy machine a server, or a program, takes longer than our patience to start.
      if (harm.serverIsAway || this.#members.loading) this.#progressAt = performance.now();
      if (performance.now() - this.#progressAt > patienceMs) return false;
      await sleep(tickMs);
    }
  }

  #begin(fault: FaultPlan, harm: Harm): void {
    this.#faultsOpen += 1;
    const work = async (): Promise<void> => {
      await sleep(fault.thenMs);
      await harm.do(fault, () => this.#record(fault));
    };
    work()
      .catch((error: unknown) => this.#note(`${describeFault(fault)} failed: ${String(error)}`))
      .finally(() => {
        this.#faultsOpen -= 1;
        this.#progressAt = performance.now();
      });
  }

  #record(fault: FaultPlan): void {
    this.#read();
    const now = Date.now();
    const facts: FaultFacts = {
      inFlight,
      members: this.#members.size,
      handledBefore: (ms) => this.#ledger.handledBetween(now - ms, now),
      forgotten: 0,
    };
    this.#records.set(fault, {
      what: describeFault(fault),
      atS: this.#seconds(),
      afterHandled: this.#ledger.handledCount,
      facts,
    });
  }

  /** What a server that was killed does not know to be settled any more may come again, and is told apart. */
  async #askForgotten(fault: FaultPlan, station: Station): Promise<void> {
    const record = this.#records.get(fault);
    if (record === undefined || station.settled === undefined) return;
    const settled = await station.settled(this.#place);
    const forgotten = Math.max(0, record.afterHandled - settled);
    this.#records.set(fault, { ...record, facts: { ...record.facts, forgotten } });
  }

  #read(): void {
    const { plan, onProgress } = this.#site;
    const before = this.#ledger.handledCount + this.#ledger.confirmedCount;
    for (const entry of this.#journal.read()) this.#ledger.handled(entry, entry.atMs);
    const { handledCount, confirmedCount } = this.#ledger;
    if (handledCount + confirmedCount !== this.#lastCount || before !== this.#lastCount) {
      this.#lastCount = handledCount + confirmedCount;
      this.#progressAt = performance.now();
    }
    this.#publishing?.proceed();
    onProgress?.(`${handledCount} of ${plan.messages} handled, ${this.#records.size} faults`);
  }
  #lastCount = 0;

  /** What was not acked in time may still come again: it is waited for, to be counted. */
  async #calmDown(): Promise<void> {
    await sleep(this.#site.plugIn.quietMs);
    await Promise.race([this.#members.leave(), sleep(10_000)]);
    this.#read();
  }

  #result(hangs: boolean): RoundResult {
    const findings = this.#ledger.findings();
    const faults = Array.from(this.#records, ([fault, { facts, ...record }]) => ({
      ...record,
      mostRepeats: this.#site.plugIn.mostRepeats(fault, facts),
    }));
    const mostRepeats = faults.reduce((sum, fault) => sum + fault.mostRepeats, 0);
    const { storesOnce } = this.#site.plugIn;
    const { messages, round } = this.#site.plan;
    const failure = this.#publishing?.lastFailure;
    if (failure !== undefined) this.#note(`a publish was tried again, at last because: ${String(failure)}`);
    return {
      ...findings,
      round,
      faults,
      mostRepeats,
      publishFailures: this.#publishing?.failures ?? 0,
      seconds: this.#seconds(),
      notes: Array.from(this.#notes, ([text, count]) => (count === 1 ? text : `${text} (${count} times)`)),
      violations: violationsOf(findings, {
        messages,
        mostRepeats,
        storesOnce,
        hangs: hangs ? `for ${patienceMs / 1_000} s, and ${this.#members.describe()}` : undefined,
      }),
    };
  }

  #note(text: string): void {
    this.#notes.set(text, (this.#notes.get(text) ?? 0) + 1);
  }

  #seconds(): number {
    return (performance.now() - this.#startedAt) / 1_000;
  }
}

/** Of a URL or of "host:port". */
function hostAndPort(address: string): [host: string, port: string] {
  const { hostname, port } = new URL(address.includes("://") ? address : `tcp://${address}`);
  return [hostname, port];
}
