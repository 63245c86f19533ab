import type { Step } from "./package-machine.ts";

/** One line that says what happened to one package. */
export interface PackageLine {
  readonly kind: "package";
  /** The whole line. */
  readonly text: string;
  /** Name and architecture, as in "libc6:amd64": the key. */
  readonly package: string;
  readonly step: Step;
}

/** A line that is set aside, and why. Reasons are few and fixed, so that they can be counted. */
export interface MalformedLine {
  readonly kind: "malformed";
  readonly text: string;
  readonly reason: string;
}

export type LogLine = PackageLine | MalformedLine;

export const reasons = {
  startup: "a startup line, which names no package",
  conffile: "a conffile line, which names a file and no package",
  empty: "an empty line",
  truncated: "cut short: the input ends before the line does",
  tooLong: "longer than 64 KiB",
  zeroBytes: "zero bytes in the line",
  notText: "bytes that are not UTF-8 text",
  time: "no date and time in front",
  action: "not an action that dpkg logs",
  fields: "too few or too many fields for its action",
  state: "not a state a package can have",
  package: "no package with its architecture where one belongs",
} as const;

/** Each of them is followed by a package and two versions. */
const actions = ["install", "upgrade", "configure", "trigproc", "disappear", "remove", "purge"] as const;

/** What a package can be after `status`, followed by the package and its version. */
const states = [
  "not-installed",
  "config-files",
  "half-installed",
  "unpacked",
  "half-configured",
  "triggers-awaited",
  "triggers-pending",
  "installed",
] as const;

export type Action = (typeof actions)[number];
export type PackageState = (typeof states)[number];

const time = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)( |$)/;
const packageName = /^[a-z0-9][a-z0-9+.-]*:[a-z0-9-]+$/i;

/** Reads one line, without its line end: `DATE TIME ACTION PACKAGE VERSION VERSION` or `DATE TIME status STATE PACKAGE VERSION`. */
export function parseLine(text: string): LogLine {
  if (text.trim() === "") return malformed("empty", text);
  if (text.includes("\0")) return malformed("zeroBytes", text);
  if (!time.test(text)) return malformed("time", text);
  const [action = "", ...fields] = text.split(" ").slice(2);
  if (action === "startup") return malformed("startup", text);
  if (action === "conffile") return malformed("conffile", text);
  if (action !== "status") {
    return oneOf(actions, action) ? packageLine(text, fields, fields[0], action) : malformed("action", text);
  }
  const [state = "", name] = fields;
  return oneOf(states, state) ? packageLine(text, fields, name, `status ${state}`) : malformed("state", text);
}

function packageLine(text: string, fields: readonly string[], name: string | undefined, step: Step): LogLine {
  if (fields.length !== 3 || fields.includes("")) return malformed("fields", text);
  if (name === undefined || !packageName.test(name)) return malformed("package", text);
  return { kind: "package", text, package: name, step };
}

export function malformed(reason: keyof typeof reasons, text: string): MalformedLine {
  return { kind: "malformed", text, reason: reasons[reason] };
}

function oneOf<const T extends string>(all: readonly T[], value: string): value is T {
  return (all as readonly string[]).includes(value);
}
