import type { Result } from "./conduct.ts";
import { type Comparison, type Measure, rowsOf } from "./report.ts";

const width = 900;
const left = 430;
const barHeight = 16;
const rowHeight = 24;
const titleHeight = 34;
/** The scale ends here; what is further ahead is cut off, and its number says so. */
const most = 3;

interface Line {
  readonly height: number;
  draw(top: number): string;
}

/** The ratios as an SVG image: a bar for each comparison, its spread, and a line at 1. */
export function toChart(results: readonly Result[], measure: Measure = "rate"): string {
  const lines = results.flatMap((result): Line[] => {
    const bars = rowsOf(result, measure).flatMap(({ loop, comparisons }) =>
      comparisons.map((comparison) => bar(loop.label, comparison)),
    );
    return bars.length === 0 || result.contest.work.kind === "start"
      ? []
      : [title(result.contest.title), ...bars];
  });
  let top = 10;
  const drawn = lines.map((line) => {
    const at = top;
    top += line.height;
    return line.draw(at);
  });
  const height = top + 10;
  const one = x(1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    "<style>.bar{fill:#4a90a4}.ahead{fill:#3a8f5c}.behind{fill:#c0653e}.indistinguishable{fill:#8a94a0}</style>",
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...drawn,
    `<line x1="${one}" x2="${one}" y1="0" y2="${height}" stroke="#333" stroke-dasharray="3 3"/>`,
    "</svg>\n",
  ].join("\n");
}

function title(text: string): Line {
  return {
    height: titleHeight,
    draw: (top) => `<text x="10" y="${top + 22}" font-weight="bold">${escapeText(text)}</text>`,
  };
}

function bar(label: string, { rival, rate, cpu, counts }: Comparison): Line {
  const { ofMedians, low, high, verdict } = counts === "cpu" ? cpu : rate;
  const text = `${label} against ${rival.label}${counts === "cpu" ? " (CPU)" : ""}`;
  return {
    height: rowHeight,
    draw(top) {
      const middle = top + barHeight / 2;
      const end = x(Math.max(ofMedians, high)) + 6;
      return [
        `<text x="${left - 8}" y="${middle + 4}" text-anchor="end">${escapeText(text)}</text>`,
        `<rect class="bar ${verdict}" x="${left}" y="${top}" width="${x(ofMedians) - left}" height="${barHeight}"/>`,
        `<line x1="${x(low)}" x2="${x(high)}" y1="${middle}" y2="${middle}" stroke="#111"/>`,
        `<text x="${end}" y="${middle + 4}">${ofMedians.toFixed(2)}</text>`,
      ].join("\n");
    },
  };
}

function x(ratio: number): number {
  return Math.round(left + (Math.min(ratio, most) / most) * (width - left - 50));
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
