import { type Clock, sleep } from "../traits/clock.ts";
import { TimeoutError } from "../traits/errors.ts";
import type { Subscriber } from "../traits/subscriber.ts";

/** How long closing the subscriber may take before the run ends without it. */
export const closeWithinMs = 5_000;

/** Rejects with what the subscriber says, or when it takes too long. */
export async function closeSubscriber(subscriber: Subscriber, clock: Clock): Promise<void> {
  const giveUp = new AbortController();
  const late = sleep(clock, closeWithinMs, giveUp.signal).then(() => {
    throw new TimeoutError({
      what: `Closing the subscriber of "${subscriber.topic}"`,
      timeoutMs: closeWithinMs,
    });
  });
  late.catch(() => undefined);
  try {
    await Promise.race([subscriber.close(), late]);
  } finally {
    giveUp.abort();
  }
}
