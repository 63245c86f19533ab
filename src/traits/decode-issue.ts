/** One thing that a schema found wrong, and the path to it. An empty path is the value itself. */
export interface DecodeIssue {
  readonly message: string;
  readonly path: readonly PropertyKey[];
}

/** One line of plain text: reasons and paths quote values, which are anybody's. */
export function reasonWithIssues(reason: string, issues: readonly DecodeIssue[]): string {
  const list = issues.map(({ message, path }) => `${formatPath(path)}: ${message}`).join("; ");
  return `${reason}${list ? ` (${list})` : ""}`.replace(/\p{Cc}+/gu, " ");
}

function formatPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "(value)";
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`,
    )
    .join("");
}
