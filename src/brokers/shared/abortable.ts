import { PendingCall } from "./pending-call.ts";

/**
 * Resolves or rejects as `promise` does. If the signal aborts first, it rejects with `AbortedError`, and `discard`
 * gets what `promise` resolves with later.
 */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  what: string,
  discard: (late: T) => unknown = () => {},
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const call = new PendingCall<T>(what, signal, { resolve, reject });
    // It may have fired while the promise was made.
    if (signal.aborted) call.onAbort();
    promise
      .then((value) => (call.over ? discard(value) : call.resolve(value)))
      // A failure of `discard` is nobody's: the call was rejected before.
      .catch((error: unknown) => call.reject(error));
  });
}
