import { AbortedError } from "../traits/errors.ts";

/** What `work` gives; when `signal` fires first it rejects, and `late` ends what comes after that. */
export function unlessAborted<T>(
  signal: AbortSignal,
  work: Promise<T> | T,
  late: (given: T) => Promise<unknown>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new AbortedError({ what: "app.start()", cause: signal.reason }));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const settle = async (): Promise<void> => {
      try {
        const given = await work;
        resolve(given);
        if (signal.aborted) await late(given);
      } catch (error) {
        reject(error);
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    };
    void settle();
  });
}
