import { checkDuration } from "../../traits/arguments.ts";
import { type Clock, sleep } from "../../traits/clock.ts";
import { isTidelaneError } from "../../traits/errors.ts";
import { type OptionNames, optionNames } from "../../traits/option-names.ts";
import { Backoff, type BackoffOptions } from "./backoff.ts";

/** `options.connect` of a broker. */
export interface ConnectOptions {
  /**
   * How long, in milliseconds, the first connect keeps trying a server that cannot be reached. A refusal, such as a
   * wrong password, ends it at once. @default 0, one attempt
   */
  readonly waitMs?: number;
}

export const connectOptionNames: OptionNames = optionNames<ConnectOptions>()({ waitMs: true });

/** Checks `options.connect` of a broker. */
export function checkConnect(options: ConnectOptions = {}): Required<ConnectOptions> {
  const { waitMs = 0 } = options;
  const isUnbounded = waitMs === Number.POSITIVE_INFINITY;
  return { waitMs: isUnbounded ? waitMs : checkDuration("options.connect.waitMs", waitMs) };
}

/** Calls `connect` until it succeeds or fails for good, or `waitMs` is over. Then it throws the last error. */
export async function connectInTime<C>(
  { waitMs }: Required<ConnectOptions>,
  reconnect: BackoffOptions,
  clock: Clock,
  signal: AbortSignal | undefined,
  connect: () => Promise<C>,
): Promise<C> {
  const backoff = new Backoff(reconnect);
  const end = clock.now() + waitMs;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      const leftMs = end - clock.now();
      if (leftMs <= 0 || !isTidelaneError(error) || !error.retryable) throw error;
      await sleep(clock, Math.min(leftMs, backoff.next()), signal);
    }
  }
}
