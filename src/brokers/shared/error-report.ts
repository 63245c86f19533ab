import { diagnostics, type ErrorReport } from "../../traits/diagnostics.ts";
import { isTidelaneError } from "../../traits/errors.ts";

/** The kinds of error that were warned of, each of one topic. */
const warned = new Set<string>();

/** A program whose topics or errors never repeat does not fill the log, nor the memory. */
const mostKinds = 1_000;

/**
 * Tells of an error that no promise carries: on the channel "tidelane:error", and where nobody listens there as a process
 * warning, once for each topic and kind of error.
 */
export function reportError(report: ErrorReport): void {
  reportOrWarn(report, () => firstOfItsKind(report));
}

/** As `reportError`, with a warning of its own; `undefined`: none this time. */
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
