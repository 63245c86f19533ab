import { Worker } from "node:worker_threads";
import type { Fixture, LawName } from "tidelane/conformance";
import { checkLaw } from "../../conformance/engine/check-law.ts";
import type { Law } from "../../conformance/law.ts";
import { laws } from "../../conformance/laws/index.ts";
import { examine, type Subject } from "../../conformance/subject.ts";
import { memoryFixture } from "../../test/conformance/memory-fixture.ts";
import { outletFixture } from "../../test/conformance/outlet-broker.ts";
import { expectLosses } from "../expected-losses.ts";
import type { Answer, Assignment, BrokerName, Killed, Order } from "./messages.ts";
import { limitByIdleness, watchIdleness } from "./stall-watch.ts";
import { activate, note } from "./switch.ts";

/** How often it says that it is alive. */
const aliveMs = 500;
/** Longer than a history that hangs is waited for. */
const stuckLooks = 25;

const fixtures: Readonly<Record<BrokerName, Fixture>> = {
  memory: memoryFixture as Fixture,
  outlet: outletFixture as Fixture,
};
let playing: LawName | undefined;
/** It has an order that it has not answered. */
let busy = false;

function send(answer: Answer): void {
  process.send?.(answer);
}

async function claimedLaws(broker: BrokerName): Promise<{ subject: Subject; claimed: Law[] }> {
  const subject = await examine(fixtures[broker]);
  return { subject, claimed: laws.filter((law) => law.claim?.(subject) === undefined) };
}

/** Plays the laws round by round: most mutants die in a few histories of some law. */
async function play({ mutant, broker, laws: chosen, rounds, seed }: Assignment): Promise<Answer> {
  activate(0);
  const { subject, claimed } = await claimedLaws(broker);
  activate(mutant);
  let histories = 0;
  for (const [round, runs] of rounds.entries()) {
    for (const name of chosen) {
      const law = claimed.find((candidate) => candidate.name === name);
      if (law === undefined) continue;
      playing = name;
      const result = await playLaw(law, subject, runs, seed + round);
      playing = undefined;
      if (typeof result !== "number") return { kind: "killed", by: result };
      histories += result;
    }
  }
  return { kind: "survived", histories };
}

async function playLaw(law: Law, subject: Subject, runs: number, seed: number): Promise<number | Killed> {
  // That it fails is all there is to know.
  const report = await checkLaw(law, subject, { seed, runs, unshrunk: true });
  if (report.counterexample === undefined) return report.histories;
  const { breaks, observed, history } = report.counterexample;
  return { law: law.name, breaks, observed: observed.slice(0, 400), steps: history.steps.length };
}

async function reach(broker: BrokerName, runs: number, seed: number): Promise<Answer> {
  const by: Record<string, number[]> = {};
  const { subject, claimed } = await claimedLaws(broker);
  for (const law of claimed) {
    const reached = new Set<number>();
    playing = law.name;
    note(reached);
    const result = await playLaw(law, subject, runs, seed);
    note(undefined);
    if (typeof result !== "number") throw new Error(`The sound broker fails ${law.name}: ${result.observed}`);
    by[law.name] = [...reached];
  }
  return { kind: "reached", by };
}

async function obey(order: Order): Promise<Answer> {
  if (order.kind === "play") return play(order.assignment);
  return reach(order.broker, order.runs, order.seed);
}

function die(error: unknown): void {
  // What is left over of the mutant before must not be held against the next one.
  if (!busy) process.exit(1);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  send({ kind: "died", law: playing, error: text });
}

function onOrder(order: Order): void {
  busy = true;
  send({ kind: "accepted" });
  const stuck = new Error("a call outside every history was never answered");
  const watch = watchIdleness(() => die(stuck), stuckLooks);
  obey(order)
    .then(send, die)
    .finally(() => {
      watch.cancel();
      busy = false;
    });
}

expectLosses();
limitByIdleness();
process.on("uncaughtException", die);
process.on("unhandledRejection", die);
process.on("message", onOrder);
process.on("disconnect", () => process.exit());
// A mutant that loops hears of no disconnect: without its parent a thread ends the process.
const orphanWatch = `
  const { workerData: parent } = require("node:worker_threads");
  setInterval(() => process.ppid === parent || process.kill(process.pid, "SIGKILL"), 1000);
`;
new Worker(orphanWatch, { eval: true, workerData: process.ppid }).unref();
setInterval(() => send({ kind: "alive", law: playing }), aliveMs).unref();
