import type { Name } from "./contestant.ts";
import type { Result } from "./play.ts";

export interface Row {
  readonly name: Name;
  readonly versions: string;
  readonly server: string;
  readonly result: Result;
}

const columns = [
  "",
  "lost",
  "out of order",
  "same key at once",
  "repeats",
  "retries overtaken",
  "poison message",
];

export function toTable(rows: readonly Row[], markdown: boolean): string {
  const cells = rows.map(cellsOf);
  if (markdown) {
    const lines = [columns, columns.map(() => "---"), ...cells];
    return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
  }
  const widths = columns.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  return [columns, ...cells]
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function cellsOf({ name, result }: Row): readonly string[] {
  const { outOfOrder, sameKeyAtOnce, repeats, retries } = result.findings;
  return [
    name,
    lostOf(result),
    String(outOfOrder.length),
    String(sameKeyAtOnce),
    String(repeats),
    `${retries.overtaken} of ${retries.failed}`,
    poisonOf(result),
  ];
}

/** Published and never handled, and where those messages are. */
function lostOf({ findings, holdings }: Result): string {
  const { unhandled } = findings;
  if (unhandled.length === 0) return "0";
  const aside = unhandled.filter((id) => holdings.deadLettered.includes(id)).length;
  const queued = Math.min(holdings.queued, unhandled.length - aside);
  const gone = unhandled.length - aside - queued;
  return `${unhandled.length} (${aside} dead-lettered, ${queued} still queued, ${gone} gone)`;
}

function poisonOf({ findings, holdings }: Result): string {
  const fates = Object.entries(findings.poison).map(([id, tried]) => {
    const attempts = `${tried} ${tried === 1 ? "attempt" : "attempts"}`;
    if (holdings.deadLettered.includes(Number(id))) return `dead-lettered after ${attempts}`;
    return holdings.queued > 0 ? `still retried after ${attempts}` : `gone after ${attempts}`;
  });
  return fates.join("; ");
}

/** Whether what tidelane promises held: nothing lost, every key in order and one at a time, the poison set aside. */
export function keptPromises({ findings, holdings }: Result): boolean {
  const { unhandled, outOfOrder, sameKeyAtOnce, retries, poison } = findings;
  const setAside = Object.keys(poison).every((id) => holdings.deadLettered.includes(Number(id)));
  return unhandled.length + outOfOrder.length + sameKeyAtOnce + retries.overtaken === 0 && setAside;
}
