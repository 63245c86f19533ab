import { type EventLoopUtilization, performance } from "node:perf_hooks";
import type { Sample } from "./contract.ts";

/** Measures stretches of work in this process and adds them up. */
export class Meter {
  #wallMs = 0;
  #cpuMs = 0;
  #activeMs = 0;
  #begun:
    | { readonly at: number; readonly cpu: NodeJS.CpuUsage; readonly loop: EventLoopUtilization }
    | undefined;

  get wallMs(): number {
    return this.#wallMs;
  }

  begin(): void {
    this.#begun = {
      at: performance.now(),
      cpu: process.cpuUsage(),
      loop: performance.eventLoopUtilization(),
    };
  }

  end(): void {
    if (this.#begun === undefined) throw new Error("Nothing is being measured.");
    const { at, cpu, loop } = this.#begun;
    this.#wallMs += performance.now() - at;
    const used = process.cpuUsage(cpu);
    this.#cpuMs += (used.user + used.system) / 1000;
    this.#activeMs += performance.eventLoopUtilization(loop).active;
    this.#begun = undefined;
  }

  sample(messages: number): Sample {
    const utilisation = Math.min(1, this.#activeMs / this.#wallMs);
    return { messages, wallMs: this.#wallMs, cpuMs: this.#cpuMs, utilisation };
  }
}
