import type { Clock } from "../traits/clock.ts";
import { TimeoutError } from "../traits/errors.ts";
import type { DeadLetterTarget } from "./failure-policy.ts";

/** A publisher that has not said for so long whether the dead letter topic takes messages is reported. */
const answerWithinMs = 5_000;

/** Asks the publisher whether the dead letter topic takes messages, and tells `onLate` once if it takes long to answer. */
export async function askForTopic(
  { topic, publisher }: DeadLetterTarget,
  subscribed: string,
  clock: Clock,
  signal: AbortSignal,
  onLate: (error: TimeoutError) => void,
): Promise<void> {
  const late = clock.schedule(answerWithinMs, () => {
    const what = `Asking the publisher whether dead letters of "${subscribed}" can go to "${topic}"`;
    onLate(new TimeoutError({ what, timeoutMs: answerWithinMs }));
  });
  const forget = (): void => late.cancel();
  signal.addEventListener("abort", forget, { once: true });
  try {
    await publisher.checkTopic?.(topic, { signal });
  } finally {
    forget();
    signal.removeEventListener("abort", forget);
  }
}
