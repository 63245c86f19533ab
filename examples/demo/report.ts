import type { DeadLetterCount } from "./dead-letters.ts";
import { reasons } from "./log.ts";
import type { OrderResult } from "./replay.ts";

/** What one run came to. `linesRead = handled + dead letters + unhandled` when nothing was lost. */
export interface RunResult {
  readonly linesRead: number;
  readonly handled: number;
  /** Read and published, and neither handled nor set aside when the run ended. */
  readonly unhandled: number;
  readonly retries: number;
  readonly deadLetters: readonly DeadLetterCount[];
  readonly order: OrderResult;
  readonly wallMs: number;
  /** The times of all handlers added up. */
  readonly workMs: number;
  /** The most of it that belongs to one package. */
  readonly longestMs: number;
  readonly peakInFlight: number;
  readonly interrupted: boolean;
}

export interface RunFacts {
  readonly input: string;
  readonly workers: number;
  readonly seed: number;
  readonly broker: string;
}

type Row = readonly [label: string, value: string, note?: string];

/** The table, ready to print. */
export function formatReport(result: RunResult, facts: RunFacts): string {
  const workers = facts.workers === 1 ? "1 worker" : `${facts.workers} workers`;
  const title = `${facts.input}: ${workers}, every package in order, broker ${facts.broker}, seed ${facts.seed}`;
  return `${title}\n\n${formatRows([
    ["lines read", whole(result.linesRead)],
    ["handled", whole(result.handled), `${whole(result.order.packages)} packages`],
    ...(result.unhandled > 0 ? [["not handled", whole(result.unhandled)] as const] : []),
    ["retries", whole(result.retries), "in place: the package's later lines wait, the others do not"],
    ...deadLetterRows(result.deadLetters),
    orderRow(result.order),
    ...timeRows(result, facts.workers),
    ["in flight at most", whole(result.peakInFlight), "lines taken from the broker and not settled"],
  ])}`;
}

function deadLetterRows(counts: readonly DeadLetterCount[]): Row[] {
  const total = deadLetterTotal(counts);
  const note = total > 0 ? "read back from the dead letter topic" : undefined;
  const rows = counts.map(({ reason, count, firstLine }): Row => {
    const where = count === 1 ? `line ${whole(firstLine)}` : `the first is line ${whole(firstLine)}`;
    return ["", whole(count), `${reason}; ${where}`];
  });
  return [note === undefined ? ["dead letters", "0"] : ["dead letters", whole(total), note], ...rows];
}

function orderRow(order: OrderResult): Row {
  const total = orderViolations(order) + order.illegalFromFile;
  const parts = [
    `${whole(order.outOfSequence)} by line number`,
    `${whole(order.illegalFromRun + order.illegalFromFile)} by state machine`,
  ];
  if (order.illegalFromFile > 0) parts.push(`${whole(order.illegalFromFile)} of them stand so in the log`);
  if (order.unknown > 0) parts.push(`${whole(order.unknown)} steps it does not know`);
  return ["order violations", whole(total), parts.join(", ")];
}

function timeRows({ wallMs, workMs, longestMs, interrupted }: RunResult, workers: number): Row[] {
  const idealMs = Math.max(longestMs, workMs / workers);
  const ideal = `max(longest package ${seconds(longestMs)}, total / ${workers})`;
  const comparison = idealMs > 0 && !interrupted ? `; the run took ${percentAbove(wallMs, idealMs)}` : "";
  const speedup = wallMs > 0 ? `; ${(workMs / wallMs).toFixed(1)} times the run` : "";
  return [
    ["wall time", seconds(wallMs), "from the first line read to the last one settled"],
    ["one after another", seconds(workMs), `computed: the times of all handlers added up${speedup}`],
    ["ideal", seconds(idealMs), `computed: ${ideal}${comparison}`],
  ];
}

function percentAbove(actual: number, ideal: number): string {
  const percent = (actual / ideal - 1) * 100;
  return percent < 10 ? `${percent.toFixed(1)}% more` : `${Math.round(percent)}% more`;
}

function formatRows(rows: readonly Row[]): string {
  const labelWidth = Math.max(...rows.map(([label]) => label.length));
  const valueWidth = Math.max(...rows.map(([, value]) => value.length));
  const lines = rows.map(([label, value, note]) =>
    `  ${label.padEnd(labelWidth)}  ${value.padStart(valueWidth)}  ${note ?? ""}`.trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** What a reader should not miss, one sentence each; for standard error. */
export function remarks(result: RunResult): string[] {
  const { linesRead, handled, unhandled, deadLetters, order } = result;
  const aside = deadLetterTotal(deadLetters);
  const said: string[] = [];
  const cut = deadLetters.find(({ reason }) => reason === reasons.truncated);
  if (cut) {
    said.push(
      `The last line (${whole(cut.firstLine)}) has no line end, so it may be cut short: it is a dead letter.`,
    );
  }
  if (result.interrupted) {
    const set = aside > 0 ? `, ${whole(aside)} set aside as dead letters` : "";
    said.push(
      `Interrupted: of ${whole(linesRead)} lines read, ${whole(handled)} were handled${set} and ${whole(unhandled)} were not.`,
    );
  } else if (aside === linesRead) {
    said.push(
      `None of the ${whole(linesRead)} lines could be replayed: is this a dpkg log? The table has the reasons.`,
    );
  }
  if (order.illegalFromFile > 0) {
    said.push(
      `The log itself has ${whole(order.illegalFromFile)} lines where the state machine does not expect them.`,
    );
  }
  const broken = brokenPromise(result);
  if (broken !== undefined) said.push(broken);
  return said;
}

/** 0 when the run did what it promises, 1 when not or when there was nothing it could replay, 130 when interrupted. */
export function exitCodeOf(result: RunResult): number {
  if (brokenPromise(result) !== undefined) return 1;
  if (result.interrupted) return 130;
  return result.handled === 0 ? 1 : 0;
}

function brokenPromise({
  linesRead,
  handled,
  unhandled,
  deadLetters,
  order,
  interrupted,
}: RunResult): string | undefined {
  const missing = linesRead - handled - deadLetterTotal(deadLetters) - unhandled;
  if (missing !== 0 || (unhandled > 0 && !interrupted)) {
    return `A promise was broken: of ${whole(linesRead)} lines read, ${whole(missing + unhandled)} were neither handled nor set aside.`;
  }
  const violations = orderViolations(order);
  return violations > 0
    ? `A promise was broken: ${whole(violations)} lines were handled out of order.`
    : undefined;
}

/** Those the run is to blame for. A line may be out of order by its number, by the state machine, or both. */
function orderViolations(order: OrderResult): number {
  return order.outOfSequence + order.illegalFromRun;
}

function deadLetterTotal(counts: readonly DeadLetterCount[]): number {
  return counts.reduce((total, { count }) => total + count, 0);
}

function whole(value: number): string {
  return value.toLocaleString("en-US");
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}
