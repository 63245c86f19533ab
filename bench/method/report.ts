import type { Result } from "./conduct.ts";
import type { Contest, LoopSpec, Rival } from "./contract.ts";
import type { Environment } from "./environment.ts";
import {
  compare,
  cpuUsOf,
  median,
  type Ratio,
  rateOf,
  type Summary,
  summarise,
  waits,
} from "./statistics.ts";

/** One loop in the report. */
export interface Row {
  readonly loop: LoopSpec;
  readonly summary: Summary;
  readonly comparisons: readonly Comparison[];
}

export interface Comparison {
  readonly rival: LoopSpec;
  readonly rate: Ratio;
  /** Of processor time for a message. */
  readonly cpu: Ratio;
  /** "cpu" where one of the two waited for its socket: the rates say nothing about them then. */
  readonly counts: "rate" | "cpu";
  readonly atLeast: number | undefined;
  readonly reached: boolean | undefined;
}

/**
 * What ratios are of. "rate": messages a second, but for a loop that waited. "cpu": processor time for a message, in every
 * row, as the machine does other work too.
 */
export type Measure = "rate" | "cpu";

export function rowsOf({ contest, samples }: Result, measure: Measure = "rate"): readonly Row[] {
  return contest.loops.map((loop, index) => {
    const own = samples[index] ?? [];
    const rivals = loop.against ?? (index === 0 ? [] : [{ loop: contest.loops[0].name }]);
    const comparisons = rivals.map((rival) => {
      const at = contest.loops.findIndex(({ name }) => name === rival.loop);
      const found = contest.loops[at];
      if (found === undefined) throw new RangeError(`${contest.name} has no loop "${rival.loop}".`);
      return compareLoops(own, samples[at] ?? [], found, rival, measure);
    });
    return { loop, summary: summarise(own), comparisons };
  });
}

type Samples = Result["samples"][number];

function compareLoops(
  own: Samples,
  theirs: Samples,
  loop: LoopSpec,
  { atLeast }: Rival,
  measure: Measure,
): Comparison {
  const rate = compare(own.map(rateOf), theirs.map(rateOf));
  const cheapness = (samples: Samples): number[] => samples.map((sample) => 1 / cpuUsOf(sample));
  const cpu = compare(cheapness(own), cheapness(theirs));
  const counts = measure === "cpu" || waits(summarise(own)) || waits(summarise(theirs)) ? "cpu" : "rate";
  const ratio = counts === "cpu" ? cpu : rate;
  const reached = atLeast === undefined ? undefined : ratio.ofMedians >= atLeast;
  return { rival: loop, rate, cpu, counts, atLeast, reached };
}

export function toMarkdown(
  results: readonly Result[],
  environment: Environment,
  measure: Measure = "rate",
): string {
  const parts = results.map((result) =>
    result.contest.work.kind === "start" ? startTable(result) : rateTable(result, measure),
  );
  return [environmentList(environment), ...parts].join("\n\n");
}

function environmentList(environment: Environment): string {
  return Object.entries(environment)
    .map(([name, value]) => `- ${name}: ${value}`)
    .join("\n");
}

function rateTable(result: Result, measure: Measure): string {
  const rows = rowsOf(result, measure).map(({ loop, summary, comparisons }) => {
    const { best, median, worst, cpuUs, utilisation } = summary;
    const busy = `${Math.round(utilisation * 100)} %${waits(summary) ? ", waits" : ""}`;
    const cells = [loop.label, thousands(median), thousands(best), thousands(worst), cpuUs.toFixed(2), busy];
    return [...cells, comparisons.map(showComparison).join("<br>")];
  });
  const head = ["loop", "median msg/s", "best", "worst", "CPU µs/msg", "busy", "against"];
  return table(result.contest, head, rows);
}

function startTable(result: Result): string {
  const rows = result.contest.loops.map(({ label, atMostMs }, index) => {
    const took = (result.samples[index] ?? []).map(({ wallMs }) => wallMs);
    const figures = [median(took), Math.min(...took), Math.max(...took)].map((ms) => ms.toFixed(1));
    const goal =
      atMostMs === undefined ? "" : `${median(took) <= atMostMs ? "within" : "over"} ${atMostMs} ms`;
    return [label, ...figures, goal];
  });
  return table(result.contest, ["loop", "median ms", "best", "worst", "figure to reach"], rows);
}

function table(contest: Contest, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return [`### ${contest.title}`, "", line(head), line(rule), ...rows.map(line)].join("\n");
}

/** As `1.04 (1.01 to 1.08) of raw: ahead`, with the figure to reach. */
function showComparison({ rival, rate, cpu, counts, atLeast, reached }: Comparison): string {
  const ratio = counts === "cpu" ? cpu : rate;
  const what = counts === "cpu" ? "CPU " : "";
  const goal = atLeast === undefined ? "" : `, ${reached ? "reaches" : "misses"} ${atLeast.toFixed(2)}`;
  const spread = `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`;
  return `${what}${ratio.ofMedians.toFixed(2)} (${spread}) of ${rival.label}: ${ratio.verdict}${goal}`;
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString("en");
}
