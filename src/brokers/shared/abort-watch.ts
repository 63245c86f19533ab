/** A call that a signal may abort. */
export interface Abortable {
  onAbort(): void;
}

interface Watch {
  readonly waiting: Set<Abortable>;
  readonly listener: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

/**
 * Calls `onAbort` when the signal aborts. Any number of calls may wait with one signal, but Node warns of a leak at
 * more than ten listeners. So a signal has one listener, while any call waits with it.
 */
export function watchAbort(signal: AbortSignal, abortable: Abortable): void {
  const known = watches.get(signal);
  if (known !== undefined) {
    known.waiting.add(abortable);
    return;
  }
  const waiting = new Set([abortable]);
  const listener = (): void => {
    watches.delete(signal);
    for (const one of waiting) one.onAbort();
  };
  watches.set(signal, { waiting, listener });
  signal.addEventListener("abort", listener, { once: true });
}

export function unwatchAbort(signal: AbortSignal, abortable: Abortable): void {
  const watch = watches.get(signal);
  if (watch === undefined || !watch.waiting.delete(abortable) || watch.waiting.size > 0) return;
  watches.delete(signal);
  signal.removeEventListener("abort", watch.listener);
}
