/** The longest interval of a Node timer; what it calls does nothing. */
const intervalMs = 2 ** 31 - 1;

/**
 * Keeps the process alive until the returned function is called. Otherwise a process that waits for a run over a broker
 * without a socket ends in the middle, because to Node a pending promise is no work.
 */
export function holdProcess(): () => void {
  const handle = setInterval(() => undefined, intervalMs);
  return () => clearInterval(handle);
}
