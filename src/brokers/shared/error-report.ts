import { diagnostics, type ErrorReport } from "../../traits/diagnostics.ts";
import { isTidelaneError } from "../../traits/errors.ts";

/** What was warned of: the kinds of error, for each topic. */
const warned = new Set<string>();

/** Bounds the memory and the log of a program whose topics or errors never repeat. */
const mostKinds = 1_000;

/**
 * Reports an error that no promise carries, on the channel "tidelane:error". Without a listener it prints a process
 * warning, once for each topic and kind of error.
 */
export function reportError(report: ErrorReport): void {
  reportOrWarn(report, () => firstOfItsKind(report));
}

/** Reports like `reportError`, but with its own warning; none if `warning` gives `undefined`. */
export function reportOrWarn(report: ErrorReport, warning: () => string | undefined): void {
  const channel = diagnostics["tidelane:error"];
  if (channel.hasSubscribers) {
    channel.publish(report);
    return;
  }
  const text = warning();
  if (text !== undefined) process.emitWarning(text, "TidelaneWarning");
}

function firstOfItsKind({ topic, error }: ErrorReport): string | undefined {
  const sentence = error instanceof Error ? error.message : String(error);
  const kind = `${topic} ${isTidelaneError(error) ? error.code : sentence}`;
  if (warned.has(kind) || warned.size === mostKinds) return undefined;
  warned.add(kind);
  const where = topic === "" ? "" : ` of "${topic}"`;
  return `A failure${where}: ${sentence}`;
}
