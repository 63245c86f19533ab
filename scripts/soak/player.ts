import { describeFailure, type Fixture, type LawReport, runConformance } from "tidelane/conformance";
import type { Server } from "../brokers/server.ts";
import { startServer } from "../brokers/servers.ts";
import { planRound } from "../faults/plan.ts";
import type { FaultPlugIn } from "../faults/plug-in.ts";
import { formatRound } from "../faults/report.ts";
import { runRound } from "../faults/round.ts";
import type { SoakStep } from "./plan.ts";
import type { Outcome } from "./soak.ts";

/** Of one round, as `npm run faults` has them. */
const messages = 20_000;

/** Plays the steps of a soak on one broker. What it starts is ended by `end()`. */
export class Player {
  readonly #broker: string;
  readonly #fixture: Fixture;
  readonly #plugIn: FaultPlugIn | undefined;
  /** A server to be killed: it is not the one the laws are played on. */
  #server: Server | undefined;

  constructor(broker: string, fixture: Fixture, plugIn: FaultPlugIn | undefined) {
    this.#broker = broker;
    this.#fixture = fixture;
    this.#plugIn = plugIn;
  }

  play(step: SoakStep): Promise<Outcome> {
    return step.kind === "law" ? this.#law(step) : this.#faults(step);
  }

  again(step: SoakStep): string {
    return step.kind === "law"
      ? `npm run conformance -- ${this.#broker} --law ${step.law} --seed ${step.seed}`
      : `npm run faults -- ${this.#broker} --seed ${step.seed} --messages ${messages} --round 1`;
  }

  async end(): Promise<void> {
    await this.#server?.remove();
  }

  async #law({ law, seed }: Extract<SoakStep, { kind: "law" }>): Promise<Outcome> {
    const { laws, histories } = await runConformance(this.#fixture, { laws: [law], seed });
    return { verdict: verdictOf(laws), histories, messages: 0, ...this.#failureIn(laws) };
  }

  #failureIn(laws: readonly LawReport[]): { readonly failure?: string } {
    for (const report of laws) {
      if (report.counterexample === undefined) continue;
      return { failure: describeFailure(this.#broker, report, report.counterexample) };
    }
    return {};
  }

  async #faults({ seed }: Extract<SoakStep, { kind: "faults" }>): Promise<Outcome> {
    const plugIn = this.#plugIn;
    if (plugIn === undefined) throw new Error(`There are no fault rounds for ${this.#broker}.`);
    this.#server ??= await startServer(plugIn.server, { config: plugIn.serverConfig ?? [] });
    const plan = planRound(seed, 1, messages, plugIn.furtherKinds);
    const result = await runRound({ plugIn, server: this.#server, plan });
    const passed = result.violations.length === 0;
    return {
      verdict: passed ? "pass" : "fail",
      histories: 0,
      messages: result.confirmed,
      ...(passed ? {} : { failure: formatRound(result, 1) }),
    };
  }
}

function verdictOf(laws: readonly LawReport[]): Outcome["verdict"] {
  if (laws.some(({ verdict }) => verdict === "fail")) return "fail";
  return laws.some(({ verdict }) => verdict === "pass") ? "pass" : "skipped";
}
