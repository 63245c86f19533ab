import { show } from "../traits/show.ts";

/** What was thrown, as text: "Name: message" of an error. Anything may be thrown, and this never fails. */
export function sentenceOf(thrown: unknown): string {
  return textOf(thrown, (error) => `${error.name}: ${error.message}`);
}

/** The same without the name. */
export function messageOf(thrown: unknown): string {
  return textOf(thrown, (error) => `${error.message}`);
}

function textOf(thrown: unknown, ofError: (error: Error) => string): string {
  try {
    return thrown instanceof Error ? ofError(thrown) : String(thrown);
  } catch {
    // It has no text of its own: no prototype, or a getter that throws.
    return show(thrown);
  }
}

/** Whether `error` is the reason of an abort, or what a platform API makes of it. */
export function isReason(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.cause === reason && reason !== undefined);
}
