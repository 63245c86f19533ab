import { checkCount, checkDuration } from "../traits/arguments.ts";
import type { Clock } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";

/**
 * Which faults happen, and how often. A rate is the share of messages that get the fault, from 0 to 1. A fault that
 * you leave out does not happen. Each message draws its faults once, so a redelivery draws none.
 */
export interface FaultOptions {
  /** A whole number. The same seed and the same messages give the same faults. */
  readonly seed: number;
  /** What delays and stalls are measured by. @default that of the subscription */
  readonly clock?: Clock;
  /**
   * The message is delivered a second time, at most `withinMs` milliseconds after the first; 0: right after it. The
   * copy has its own settle, which does not reach the broker.
   */
  readonly duplicates?: { readonly rate: number; readonly withinMs?: number };
  /** The message comes up to `maxMs` milliseconds late. Those behind it wait too, so the order stays. */
  readonly delays?: { readonly rate: number; readonly maxMs: number };
  /**
   * The connection is lost before this message, and restored at once. Every unsettled delivery is revoked, and
   * delivered again before this message.
   */
  readonly disconnects?: { readonly rate: number };
  /** For `ms` milliseconds nothing is delivered, and settles wait. */
  readonly stalls?: { readonly rate: number; readonly ms: number };
}

const names = optionNames<FaultOptions>()({
  seed: true,
  clock: true,
  duplicates: { rate: true, withinMs: true },
  delays: { rate: true, maxMs: true },
  disconnects: { rate: true },
  stalls: { rate: true, ms: true },
});

/** The options with every fault in them. */
export interface Faults {
  readonly seed: number;
  readonly clock: Clock | undefined;
  readonly duplicates: { readonly rate: number; readonly withinMs: number };
  readonly delays: { readonly rate: number; readonly maxMs: number };
  readonly disconnects: { readonly rate: number };
  readonly stalls: { readonly rate: number; readonly ms: number };
}

export function checkFaults(options: FaultOptions): Faults {
  checkOptionNames("faulty(from, options)", options, names);
  const { duplicates, delays, disconnects, stalls } = options;
  return {
    seed: checkCount("faulty({ seed })", options.seed, Number.MIN_SAFE_INTEGER),
    clock: options.clock,
    duplicates: {
      rate: checkRate("duplicates", duplicates?.rate),
      withinMs: checkDuration("faulty({ duplicates.withinMs })", duplicates?.withinMs ?? 0),
    },
    delays: {
      rate: checkRate("delays", delays?.rate),
      maxMs: checkDuration("faulty({ delays.maxMs })", delays?.maxMs ?? 0),
    },
    disconnects: { rate: checkRate("disconnects", disconnects?.rate) },
    stalls: {
      rate: checkRate("stalls", stalls?.rate),
      ms: checkDuration("faulty({ stalls.ms })", stalls?.ms ?? 0),
    },
  };
}

function checkRate(fault: string, rate = 0): number {
  if (typeof rate === "number" && rate >= 0 && rate <= 1) return rate;
  const argument = `faulty({ ${fault}.rate })`;
  throw new InvalidArgumentError({ argument, expected: "a number from 0 to 1", received: rate });
}
