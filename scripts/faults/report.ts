import type { FaultRecord, RoundResult } from "./round.ts";

/** One round in a line; what is wrong with it below. */
export function formatRound(result: RoundResult, rounds: number): string {
  const { round, faults, confirmed, lost, outOfOrder, repeats, mostRepeats, copies, seconds } = result;
  const line = [
    `round ${round}/${rounds}`,
    `${whole(confirmed)} messages`,
    `lost ${lost.length}`,
    `out of order ${outOfOrder.length}`,
    `repeats ${whole(repeats)} of at most ${whole(mostRepeats)}`,
    ...(copies > 0 ? [`published twice ${whole(copies)}`] : []),
    `${seconds.toFixed(1)} s`,
    faults.map(formatFault).join(", "),
  ].join(" | ");
  const said = result.violations.map((violation) => `  VIOLATION: ${violation}`);
  // What the consumers told explains a violation; in a good round it is what they overcame.
  const told = said.length === 0 ? [] : result.notes.map((note) => `  ${note}`);
  return [line, ...said, ...told].join("\n");
}

function formatFault({ what, atS, afterHandled }: FaultRecord): string {
  return `${what} @${atS.toFixed(1)}s/${whole(afterHandled)}`;
}

/** All rounds in a table. */
export function formatSummary(results: readonly RoundResult[], repeatsWhy: string): string {
  const sum = (of: (result: RoundResult) => number): number =>
    results.reduce((total, one) => total + of(one), 0);
  const failed = results.filter(({ violations }) => violations.length > 0);
  const rows: [string, string][] = [
    ["rounds", `${results.length}, ${failed.length} with violations`],
    ["messages confirmed", whole(sum(({ confirmed }) => confirmed))],
    ["lost", whole(sum(({ lost }) => lost.length))],
    ["first handlings out of order", whole(sum(({ outOfOrder }) => outOfOrder.length))],
    [
      "handled again",
      `${whole(sum(({ repeats }) => repeats))}, at most ${whole(sum(({ mostRepeats }) => mostRepeats))} allowed (${repeatsWhy})`,
    ],
    ["stored twice by publishing again", whole(sum(({ copies }) => copies))],
    ["publishes tried again", whole(sum(({ publishFailures }) => publishFailures))],
    ["faults", formatKinds(results)],
    ["seconds", sum(({ seconds }) => seconds).toFixed(0)],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return `${rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`).join("\n")}\n`;
}

function formatKinds(results: readonly RoundResult[]): string {
  const counts = new Map<string, number>();
  for (const { what } of results.flatMap(({ faults }) => faults)) {
    const [kind = ""] = what.split(" ");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return Array.from(counts, ([kind, count]) => `${count} ${kind}`).join(", ");
}

function whole(value: number): string {
  return value.toLocaleString("en-US");
}
