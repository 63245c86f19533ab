import type { Backoff } from "../runtime/failure-policy.ts";
import type { MiddlewareOutcome } from "../runtime/outcome.ts";
import { checkDuration, checkFunction } from "../traits/arguments.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { optionNames } from "../traits/option-names.ts";
import { checkOptions } from "./options.ts";

/**
 * A failure that no retry can help. Where the failure policy has a place for dead letters, the message goes there at once; with
 * `"drop"` it is dropped. Without a place it is retried as any other: nothing is lost unsaid.
 */
export class PermanentError extends Error {
  override readonly name = "PermanentError";
  /** What the runtime reads: an error of your own may have it too. */
  readonly permanent = true;
}

/** A failure that a retry may help, whatever `classified` would say of it; with `afterMs` no sooner than that. */
export class RetryableError extends Error {
  override readonly name = "RetryableError";
  readonly permanent = false;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly afterMs?: number } = {}) {
    super(message, options);
    const { afterMs } = options;
    if (afterMs !== undefined) checkDuration("new RetryableError(message, options): afterMs", afterMs);
    this.retryAfterMs = afterMs;
  }
}

/** A delay that is always the same: `onFailure: { backoff: fixed(5_000) }`. */
export function fixed(delayMs: number): Backoff {
  checkDuration("fixed(delayMs)", delayMs);
  return { initialMs: delayMs, factor: 1, maxMs: delayMs, jitter: 0 };
}

export interface ClassifiedOptions {
  /** Whether no retry can help. A `PermanentError` or `RetryableError` has said it already. @default never */
  readonly permanent?: (error: unknown) => boolean;
  /**
   * Milliseconds before the retry after attempt 1, 2 and so on; the last one is for all later ones. Or a function of the
   * attempt that failed and its error; `undefined` from it leaves the delay to the backoff. @default the backoff of `onFailure`
   */
  readonly delays?: readonly number[] | ((attempt: number, error: unknown) => number | undefined);
}

/** A middleware of any app. */
export type ClassifyingMiddleware = (
  context: { readonly attempt: number },
  next: () => Promise<MiddlewareOutcome>,
) => Promise<MiddlewareOutcome>;

const names = optionNames<ClassifiedOptions>()({ permanent: true, delays: true });

/**
 * A middleware that says of each failure whether a retry can help, and when. What becomes of it is for `onFailure`.
 *
 * @example
 * createApp({ name, broker, middleware: [classified({ permanent: (error) => error instanceof ZodError, delays: [100, 5_000] })] });
 */
export function classified(options: ClassifiedOptions): ClassifyingMiddleware {
  checkOptions("classified(options)", options, names);
  const { permanent, delays } = options;
  if (permanent !== undefined) checkFunction("classified(options): permanent", permanent);
  const delayAfter = delays === undefined ? undefined : delayFunction(delays);
  return async ({ attempt }, next): Promise<MiddlewareOutcome> => {
    const outcome = await next();
    if (outcome.kind !== "failure") return outcome;
    const { error } = outcome;
    const said = (error ?? {}) as { readonly permanent?: unknown; readonly retryAfterMs?: unknown };
    const isPermanent = typeof said.permanent === "boolean" ? said.permanent : permanent?.(error) === true;
    const delayMs = said.retryAfterMs === undefined ? delayAfter?.(attempt, error) : undefined;
    if (delayMs !== undefined) checkDuration("classified(options): what delays returned", delayMs);
    return {
      kind: "failure",
      error,
      permanent: isPermanent,
      ...(delayMs === undefined ? {} : { delayMs }),
    };
  };
}

function delayFunction(
  delays: NonNullable<ClassifiedOptions["delays"]>,
): (attempt: number, error: unknown) => number | undefined {
  if (typeof delays === "function") return delays;
  const argument = "classified(options): delays";
  if (!Array.isArray(delays) || delays.length === 0) {
    const expected = "a function, or a list of milliseconds with at least one";
    throw new InvalidArgumentError({ argument, expected, received: delays });
  }
  for (const [index, delayMs] of delays.entries()) checkDuration(`${argument}[${index}]`, delayMs);
  return (attempt) => delays[Math.min(attempt, delays.length) - 1];
}
