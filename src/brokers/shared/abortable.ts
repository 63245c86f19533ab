import { AbortedError } from "../../traits/errors.ts";

/** Rejects with `AbortedError` when the signal fires first; how the promise ends then is for nobody to see. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined, what: string): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new AbortedError({ what, cause: signal.reason }));
    // It may have fired while the promise was made.
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
