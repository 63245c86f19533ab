import type { Action, PackageState } from "./log.ts";

/** What a line does to a package. The last step of a package is the state it is in. */
export type Step = Action | `status ${PackageState}`;

/** Where a package is before its first line. */
export const unseen = "(unseen)";

/**
 * What may follow what, for one package: 21 transitions, each of which the log that comes with the demo shows.
 *
 * An install goes: install, half-installed, unpacked, configure, unpacked, half-configured, installed.
 * An upgrade first takes the old version down: upgrade, half-configured, unpacked, half-installed, unpacked, configure…
 * A trigger (another package changed files this one watches) goes: triggers-pending, trigproc, half-configured, installed.
 */
export const transitions: Readonly<Partial<Record<Step | typeof unseen, readonly Step[]>>> = {
  [unseen]: ["install", "upgrade", "status triggers-pending"],
  install: ["status half-installed"],
  upgrade: ["status half-configured"],
  configure: ["status unpacked", "status half-configured"],
  trigproc: ["status half-configured"],
  "status half-installed": ["status unpacked"],
  "status unpacked": ["configure", "status half-configured", "status half-installed"],
  "status half-configured": ["status installed", "status unpacked", "status triggers-awaited"],
  "status installed": ["upgrade", "status triggers-pending", "status triggers-awaited"],
  "status triggers-pending": ["trigproc", "upgrade"],
  "status triggers-awaited": ["status installed"],
};

/**
 * - "legal": in the table;
 * - "illegal": the table knows both steps, and not in this order;
 * - "unknown": the table has no such step (a removal, say), so it cannot judge.
 */
export type Verdict = "legal" | "illegal" | "unknown";

const known: ReadonlySet<string> = new Set([
  ...Object.keys(transitions),
  ...Object.values(transitions).flat(),
]);

export function judge(from: Step | typeof unseen, to: Step): Verdict {
  if (!known.has(from) || !known.has(to)) return "unknown";
  return transitions[from]?.includes(to) ? "legal" : "illegal";
}
