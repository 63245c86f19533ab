import type { Attempt } from "./recording.ts";
import { element, escapeXml, label, short, ticks } from "./svg.ts";

/** A span of the run drawn as rows of workers above an axis. */
export interface Panel {
  readonly attempts: readonly Attempt[];
  readonly workers: number;
  /** The span that is drawn, in milliseconds; what reaches beyond is cut off. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The place of the rows: left edge, upper edge and width, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly rowHeight: number;
  readonly colours: ReadonlyMap<string, string>;
  readonly ink: Ink;
  /** With room for it: names in the bars, and a line from each failure to its retry. */
  readonly detailed: boolean;
}

/** The colours of everything but the packages. */
export interface Ink {
  readonly paper: string;
  readonly text: string;
  readonly faint: string;
  readonly line: string;
  readonly row: string;
  readonly failure: string;
}

const light: Ink = {
  paper: "#ffffff",
  text: "#1f2933",
  faint: "#66727f",
  line: "#d9dee4",
  row: "#f4f6f8",
  failure: "#d0212b",
};

export const inks = {
  light,
  dark: {
    paper: "#0d1117",
    text: "#e6edf3",
    faint: "#9198a1",
    line: "#30363d",
    row: "#161b22",
    failure: "#ff5c57",
  },
} as const satisfies Record<string, Ink>;

export type Theme = keyof typeof inks;

const gap = 4;
const axisHeight = 40;
/** The width of a character of the names in the bars, about. */
const characterWidth = 5.6;

export function panelHeight(workers: number, rowHeight: number): number {
  return workers * (rowHeight + gap) + axisHeight;
}

export function drawPanel(panel: Panel): string {
  const seen = panel.attempts.filter(({ startMs, endMs }) => endMs > panel.fromMs && startMs < panel.toMs);
  return [
    drawRows(panel),
    drawAxis(panel),
    drawBars(panel, seen),
    panel.detailed ? drawNames(panel, seen) + drawRetryLines(panel, seen) : "",
    drawFailures(panel, seen),
  ].join("\n");
}

function xOf(panel: Panel, ms: number): number {
  const share = (ms - panel.fromMs) / (panel.toMs - panel.fromMs);
  return panel.x + Math.min(Math.max(share, 0), 1) * panel.width;
}

function yOf(panel: Panel, worker: number): number {
  return panel.y + worker * (panel.rowHeight + gap);
}

function drawRows(panel: Panel): string {
  const { x, width, rowHeight, ink } = panel;
  return Array.from({ length: panel.workers }, (_, worker) => {
    const y = yOf(panel, worker);
    const name = label(`worker ${worker + 1}`, {
      x: x - 12,
      y: y + rowHeight / 2 + 4.5,
      "text-anchor": "end",
      "font-size": 13,
      fill: ink.text,
    });
    return element("rect", { x, y, width, height: rowHeight, fill: ink.row }) + name;
  }).join("\n");
}

function drawAxis(panel: Panel): string {
  const { ink } = panel;
  const bottom = yOf(panel, panel.workers) + 2;
  const marks = ticks(panel.fromMs, panel.toMs, 12).map((ms) => {
    const x = xOf(panel, ms);
    const grid = element("line", { x1: x, y1: panel.y, x2: x, y2: bottom + 5, stroke: ink.line });
    const text = `${Number(ms.toFixed(6)).toLocaleString("en-US")} ms`;
    return (
      grid + label(text, { x, y: bottom + 21, "text-anchor": "middle", "font-size": 12, fill: ink.faint })
    );
  });
  const line = { x1: panel.x, y1: bottom, x2: panel.x + panel.width, y2: bottom, stroke: ink.faint };
  return marks.join("\n") + element("line", line);
}

// One path a package, so that a long run stays a small file; its title is what a pointer shows.
function drawBars(panel: Panel, attempts: readonly Attempt[]): string {
  return [...groupByPackage(attempts)]
    .map(([name, own]) => {
      const d = own.map((attempt) => barPath(panel, attempt)).join("");
      const title = element("title", {}, escapeXml(name));
      return element("path", { fill: panel.colours.get(name) ?? panel.ink.faint, d }, title);
    })
    .join("\n");
}

function barPath(panel: Panel, { worker, startMs, endMs }: Attempt): string {
  const left = xOf(panel, startMs);
  // A hair of the row shows between two bars where there is room for it.
  const width = Math.max(xOf(panel, endMs) - left - (panel.detailed ? 1 : 0.25), 0.5);
  return `M${short(left)} ${short(yOf(panel, worker))}h${short(width)}v${panel.rowHeight}h${short(-width)}z`;
}

function groupByPackage(attempts: readonly Attempt[]): Map<string, Attempt[]> {
  const groups = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    const own = groups.get(attempt.package);
    if (own === undefined) groups.set(attempt.package, [attempt]);
    else own.push(attempt);
  }
  return groups;
}

function drawNames(panel: Panel, attempts: readonly Attempt[]): string {
  return attempts
    .map((attempt) => {
      const left = xOf(panel, attempt.startMs);
      const room = Math.floor((xOf(panel, attempt.endMs) - left - 8) / characterWidth);
      const name = attempt.package.replace(/:.*$/, "");
      if (room < Math.min(name.length, 4)) return "";
      return label(name.length <= room ? name : `${name.slice(0, room - 1)}…`, {
        x: left + 4,
        y: yOf(panel, attempt.worker) + panel.rowHeight / 2 + 3.5,
        "font-size": 10,
        fill: textOn(panel.colours.get(attempt.package) ?? panel.ink.faint),
      });
    })
    .join("");
}

/** Dark or white, whichever reads better on a colour "#rrggbb". */
function textOn(colour: string): string {
  const channel = (at: number): number => Number.parseInt(colour.slice(at, at + 2), 16);
  return 0.299 * channel(1) + 0.587 * channel(3) + 0.114 * channel(5) > 150 ? light.text : light.paper;
}

/** From the end of each failed attempt to the start of the next one of the same line. */
function drawRetryLines(panel: Panel, attempts: readonly Attempt[]): string {
  const failed = new Map<number, Attempt>();
  const lines: string[] = [];
  for (const attempt of [...attempts].sort((a, b) => a.startMs - b.startMs)) {
    const before = failed.get(attempt.line);
    if (before !== undefined) lines.push(retryLine(panel, before, attempt));
    if (attempt.failed) failed.set(attempt.line, attempt);
    else failed.delete(attempt.line);
  }
  return lines.join("");
}

function retryLine(panel: Panel, failure: Attempt, again: Attempt): string {
  const middle = panel.rowHeight / 2;
  const [x1, y1] = [xOf(panel, failure.endMs), yOf(panel, failure.worker) + middle];
  const [x2, y2] = [xOf(panel, again.startMs), yOf(panel, again.worker) + middle];
  const bend = (x2 - x1) / 2;
  const d = `M${short(x1)} ${short(y1)}C${short(x1 + bend)} ${short(y1)} ${short(x2 - bend)} ${short(y2)} ${short(x2)} ${short(y2)}`;
  const { ink } = panel;
  const stroke = { stroke: ink.failure, "stroke-width": 1.75, "stroke-dasharray": "4 2", fill: "none" };
  return element("path", { ...stroke, d }) + element("circle", { cx: x2, cy: y2, r: 3, fill: ink.failure });
}

function drawFailures(panel: Panel, attempts: readonly Attempt[]): string {
  return attempts
    .filter(({ failed, endMs }) => failed && endMs <= panel.toMs)
    .map(({ worker, endMs, line, package: name }) => {
      const title = element("title", {}, escapeXml(`line ${line} of ${name} failed and is retried`));
      const at = { x: xOf(panel, endMs), y: yOf(panel, worker) };
      return failureMark(panel.ink, { ...at, scale: panel.detailed ? 1.5 : 1 }, title);
    })
    .join("");
}

/** A red wedge whose tip points at (x, y + half its height) from above. */
export function failureMark(
  ink: Ink,
  { x, y, scale }: { readonly x: number; readonly y: number; readonly scale: number },
  content = "",
): string {
  const d = `M${short(x)} ${short(y + 6 * scale)}l${-4.5 * scale} ${-9 * scale}h${9 * scale}z`;
  return element("path", { d, fill: ink.failure, stroke: ink.paper, "stroke-width": 0.75 }, content);
}
