import type { SoakStep } from "./plan.ts";

/** What one step came to. */
export interface Outcome {
  /** "skipped": the broker does not claim the law. Nothing is said of it. */
  readonly verdict: "pass" | "fail" | "skipped";
  readonly histories: number;
  readonly messages: number;
  /** What was wrong, with the command that replays it. */
  readonly failure?: string;
}

export interface Summary {
  readonly laws: number;
  readonly rounds: number;
  readonly histories: number;
  readonly messages: number;
  readonly failures: number;
  readonly minutes: number;
}

export interface SoakSite {
  readonly steps: Iterable<SoakStep>;
  readonly minutes: number;
  readonly keepGoing: boolean;
  /** Plays one step. What it rejects with is a failure of the step. */
  play(step: SoakStep): Promise<Outcome>;
  /** The command that plays this step alone. */
  again(step: SoakStep): string;
  /** Milliseconds that only go forward. */
  now(): number;
  write(line: string): void;
}

/** Plays steps until the time is over, or one fails. */
export async function runSoak(site: SoakSite): Promise<Summary> {
  const began = site.now();
  const elapsedMs = (): number => site.now() - began;
  const total = { laws: 0, rounds: 0, histories: 0, messages: 0, failures: 0 };
  for (const step of site.steps) {
    if (elapsedMs() >= site.minutes * 60_000) break;
    const stepBegan = site.now();
    const outcome = await played(site, step);
    if (outcome.verdict === "skipped") continue;
    if (step.kind === "law") total.laws += 1;
    else total.rounds += 1;
    total.histories += outcome.histories;
    total.messages += outcome.messages;
    site.write(formatStep(step, outcome, stepBegan - began, site.now() - stepBegan));
    if (outcome.verdict === "pass") continue;
    total.failures += 1;
    site.write(`${outcome.failure ?? "It failed."}\nagain: ${site.again(step)}`);
    if (!site.keepGoing) break;
  }
  return { ...total, minutes: elapsedMs() / 60_000 };
}

async function played(site: SoakSite, step: SoakStep): Promise<Outcome> {
  try {
    return await site.play(step);
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { verdict: "fail", histories: 0, messages: 0, failure };
  }
}

/** `00:12:07  law key-order  seed 17  10 histories  pass  4.2 s` */
function formatStep(step: SoakStep, outcome: Outcome, atMs: number, tookMs: number): string {
  const what = step.kind === "law" ? `law ${step.law}` : "faults";
  const size = step.kind === "law" ? `${outcome.histories} histories` : `${whole(outcome.messages)} messages`;
  const columns = [
    formatTime(atMs),
    what.padEnd(36),
    `seed ${step.seed}`.padEnd(15),
    size.padStart(15),
    outcome.verdict,
    `${(tookMs / 1_000).toFixed(1)} s`.padStart(8),
  ];
  return columns.join("  ");
}

export function formatSummary(summary: Summary): string {
  const { laws, rounds, histories, messages, failures, minutes } = summary;
  return [
    `${minutes.toFixed(1)} minutes`,
    `${whole(laws)} laws with ${whole(histories)} histories`,
    `${whole(rounds)} fault rounds with ${whole(messages)} messages`,
    `${whole(failures)} failures`,
  ].join(", ");
}

function formatTime(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const parts = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}

function whole(value: number): string {
  return value.toLocaleString("en-US");
}
