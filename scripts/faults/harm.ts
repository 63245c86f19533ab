import { setTimeout as sleep } from "node:timers/promises";
import { randomFrom } from "../../src/testing/random.ts";
import type { TcpProxy } from "../../test/live/tcp-proxy.ts";
import type { Server } from "../brokers/server.ts";
import type { Members } from "./members.ts";
import type { FaultPlan } from "./plan.ts";

export interface HarmSite {
  readonly server: Server;
  readonly proxy: TcpProxy;
  readonly members: Members;
  readonly seed: number;
  /** The server was killed by this fault, and is back. */
  readonly restarted: (fault: FaultPlan) => Promise<void>;
}

/** Does what a plan says. What is done to the server, and to the consumers, is done one after the other. */
export class Harm {
  readonly #site: HarmSite;
  readonly #random: () => number;
  #serverFree: Promise<void> = Promise.resolve();
  #membersFree: Promise<void> = Promise.resolve();
  #stalls = 0;
  #serverIsAway = false;

  constructor(site: HarmSite) {
    this.#site = site;
    this.#random = randomFrom(site.seed ^ 0x5bd1e995);
  }

  /** From its kill until it accepts connections again: nothing can be confirmed or handled meanwhile. */
  get serverIsAway(): boolean {
    return this.#serverIsAway;
  }

  /** Resolves when the fault is over and what it ended is back. `begin` is called when it begins. */
  async do(fault: FaultPlan, begin: () => void): Promise<void> {
    if (fault.kind === "cut") return this.#cut(fault, begin);
    if (fault.kind === "stall") return this.#stall(fault, begin);
    if (fault.kind === "server-kill") {
      this.#serverFree = this.#serverFree.then(() => this.#killServer(fault, begin));
      return this.#serverFree;
    }
    this.#membersFree = this.#membersFree.then(() => this.#disturbMembers(fault, begin));
    return this.#membersFree;
  }

  async #cut({ times }: FaultPlan, begin: () => void): Promise<void> {
    begin();
    for (let count = 0; count < times; count += 1) {
      if (count > 0) await sleep(300 * this.#random());
      this.#site.proxy.cut();
    }
  }

  async #stall({ lastsMs }: FaultPlan, begin: () => void): Promise<void> {
    begin();
    const { proxy } = this.#site;
    this.#stalls += 1;
    proxy.stall();
    await sleep(lastsMs);
    this.#stalls -= 1;
    if (this.#stalls === 0) proxy.resume();
  }

  async #killServer(fault: FaultPlan, begin: () => void): Promise<void> {
    begin();
    const { server, restarted } = this.#site;
    this.#serverIsAway = true;
    try {
      await server.kill();
      await sleep(fault.lastsMs);
      // It gives a server a limited time to start, and rejects after it.
      await server.restart();
    } finally {
      this.#serverIsAway = false;
    }
    await restarted(fault);
  }

  async #disturbMembers(fault: FaultPlan, begin: () => void): Promise<void> {
    begin();
    const { kind, lastsMs, how } = fault;
    const { members } = this.#site;
    if (kind === "consumer-kill") {
      const member = members.any(this.#random());
      await member.kill();
      await sleep(lastsMs);
      await member.start();
    } else if (kind === "reopen") {
      await members.any(this.#random()).reopen(how === undefined || how === "kill" ? "close" : how);
    } else if (kind === "member") {
      const member = await members.add();
      await sleep(lastsMs);
      members.remove(member);
      await member.leave(how ?? "drain");
    } else {
      const { oldest } = members;
      await members.add();
      await sleep(lastsMs);
      members.remove(oldest);
      await oldest.leave(how ?? "drain");
    }
  }
}
