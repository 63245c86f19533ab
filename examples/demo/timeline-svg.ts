import { colourPackages, strongColours } from "./colours.ts";
import type { Attempt } from "./recording.ts";
import { element, label, short } from "./svg.ts";
import {
  drawPanel,
  failureMark,
  type Ink,
  inks,
  type Panel,
  panelHeight,
  type Theme,
} from "./timeline-panel.ts";

/** What a timeline is drawn from. */
export interface Timeline {
  readonly title: string;
  readonly workers: number;
  readonly attempts: readonly Attempt[];
  /** How many there were in all; more than `attempts` when the run was too long to keep them. */
  readonly count: number;
}

const page = { width: 1_600, left: 100, right: 40 };
const rows = { overview: 24, detail: 34 };
const legend = { columns: 5, rowHeight: 26 };
/** How much of the run the lower panel enlarges. */
const detailMs = 100;
const fonts = "'Inter', 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif";

/**
 * A run as an SVG document: the whole of it with one row per worker, under it a part enlarged, and a legend of the
 * busiest packages. Each package has one colour, each failed attempt a red wedge.
 */
export function drawTimeline(timeline: Timeline, theme: Theme = "light"): string {
  const ink = inks[theme];
  const { attempts, workers } = timeline;
  const endMs = attempts.reduce((latest, attempt) => Math.max(latest, attempt.endMs), 1);
  const busiest = packagesByCount(attempts);
  const colours = colourPackages(busiest.map(([name]) => name));
  const width = page.width - page.left - page.right;
  const common = { attempts, workers, colours, ink, x: page.left, width };
  const overview: Panel = {
    ...common,
    fromMs: 0,
    toMs: endMs,
    y: 112,
    rowHeight: rows.overview,
    detailed: false,
  };
  let bottom = overview.y + panelHeight(workers, rows.overview);
  const parts = [drawHeading(timeline, ink), drawPanel(overview)];
  if (endMs > 2 * detailMs) {
    const fromMs = detailStart(attempts, endMs);
    const detail: Panel = {
      ...common,
      fromMs,
      toMs: fromMs + detailMs,
      y: bottom + 62,
      rowHeight: rows.detail,
      detailed: true,
    };
    parts.push(drawLens(overview, detail), drawPanel(detail));
    bottom = detail.y + panelHeight(workers, rows.detail);
  }
  parts.push(drawLegend({ busiest, colours, ink, top: bottom + 34 }));
  const legendRows = Math.ceil(Math.min(busiest.length, strongColours.length) / legend.columns);
  const height = bottom + 34 + (legendRows + 2) * legend.rowHeight;
  return wrap(parts.join("\n"), { height, title: timeline.title, ink });
}

function wrap(
  content: string,
  { height, title, ink }: { readonly height: number; readonly title: string; readonly ink: Ink },
): string {
  const size = { width: page.width, height, viewBox: `0 0 ${page.width} ${short(height)}` };
  const root = {
    xmlns: "http://www.w3.org/2000/svg",
    ...size,
    "font-family": fonts,
    role: "img",
    "aria-label": title,
  };
  const paper = element("rect", { width: page.width, height, fill: ink.paper });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element("svg", root, `\n${paper}\n${content}\n`)}\n`;
}

function drawHeading({ title, attempts, count }: Timeline, ink: Ink): string {
  const retries = attempts.filter(({ failed }) => failed).length;
  const shown =
    count > attempts.length
      ? `the first ${whole(attempts.length)} of ${whole(count)} handler runs`
      : `${whole(count)} handler runs`;
  const said = `${shown}, ${whole(retries)} of them failed and were retried in place; a package never runs twice at once`;
  return (
    label(title, { x: page.left, y: 44, "font-size": 22, "font-weight": 600, fill: ink.text }) +
    label(said, { x: page.left, y: 72, "font-size": 14, fill: ink.faint })
  );
}

/** Shows which part of the overview is enlarged below it. */
function drawLens(overview: Panel, detail: Panel): string {
  const { ink } = detail;
  const scale = overview.width / (overview.toMs - overview.fromMs);
  const left = overview.x + (detail.fromMs - overview.fromMs) * scale;
  const right = left + detailMs * scale;
  const [top, bottom] = [overview.y - 9, overview.y + panelHeight(overview.workers, overview.rowHeight) - 34];
  const frame = { x: left, y: top, width: right - left, height: bottom - top, rx: 2 };
  const edge = { fill: "none", stroke: ink.text, "stroke-width": 1.5 };
  const far = detail.y - 9;
  const beam = `M${short(left)} ${short(bottom)}L${short(detail.x)} ${short(far)}H${short(detail.x + detail.width)}L${short(right)} ${short(bottom)}z`;
  const caption = `${whole(detail.fromMs)} to ${whole(detail.toMs)} ms, enlarged`;
  return [
    element("path", { d: beam, fill: ink.text, opacity: 0.05 }),
    element("rect", { ...frame, ...edge }),
    label(caption, { x: detail.x, y: far - 10, "font-size": 14, "font-weight": 600, fill: ink.text }),
  ].join("\n");
}

/** Where the enlarged part begins: the first failure that has enough before and behind it stands in its first third. */
function detailStart(attempts: readonly Attempt[], endMs: number): number {
  const latest = endMs - detailMs;
  const failure = attempts.find(({ failed, endMs: at }) => failed && at > detailMs && at < latest);
  const from = failure === undefined ? latest / 2 : failure.endMs - detailMs / 3;
  return Math.max(0, Math.floor(Math.min(from, latest) / 10) * 10);
}

function drawLegend({
  busiest,
  colours,
  ink,
  top,
}: {
  readonly busiest: readonly (readonly [name: string, count: number])[];
  readonly colours: ReadonlyMap<string, string>;
  readonly ink: Ink;
  readonly top: number;
}): string {
  const columnWidth = (page.width - page.left - page.right) / legend.columns;
  const entries = busiest.slice(0, strongColours.length).map(([name, count], index) => {
    const x = page.left + (index % legend.columns) * columnWidth;
    const y = top + (Math.floor(index / legend.columns) + 1) * legend.rowHeight;
    const text = `${cut(name, 26)}, ${whole(count)}`;
    return (
      element("rect", { x, y: y - 12, width: 22, height: 14, rx: 2, fill: colours.get(name) ?? ink.faint }) +
      label(text, { x: x + 30, y, "font-size": 13, fill: ink.text })
    );
  });
  const title = "Busiest packages, with their handler runs; each other package has a pale colour of its own";
  const mark = page.left + 2.5 * columnWidth;
  return [
    label(title, { x: page.left, y: top, "font-size": 14, "font-weight": 600, fill: ink.text }),
    failureMark(ink, { x: mark + 85, y: top - 5, scale: 1.5 }),
    label("a failed attempt, retried in place", { x: mark + 100, y: top, "font-size": 13, fill: ink.text }),
    ...entries,
  ].join("\n");
}

function packagesByCount(attempts: readonly Attempt[]): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { package: name } of attempts) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function whole(value: number): string {
  return value.toLocaleString("en-US");
}
