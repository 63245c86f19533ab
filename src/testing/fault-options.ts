import { checkCount, checkDuration } from "../traits/arguments.ts";
import type { Clock } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";

/**
 * Which faults, and how often. A rate is a share from 0 to 1 of the messages that come from what is wrapped; a fault that is
 * not named does not happen. Each message draws its faults once, so what comes again because of one draws none.
 */
export interface FaultOptions {
  /** A whole number. One seed and one sequence of messages give one sequence of faults. */
  readonly seed: number;
  /** What delays and stalls go by. @default that of the subscription */
  readonly clock?: Clock;
  /**
   * The message is delivered a second time, up to `withinMs` after the first (0: right behind it). The copy is a delivery of
   * its own, with its own settle; what is asked of it is honoured here and does not touch the original.
   */
  readonly duplicates?: { readonly rate: number; readonly withinMs?: number };
  /** The message comes up to `maxMs` late, and those behind it with it: the order stays. */
  readonly delays?: { readonly rate: number; readonly maxMs: number };
  /**
   * The connection breaks before this message and is restored at once: every delivery that is not settled is revoked, and
   * delivered again before this one.
   */
  readonly disconnects?: { readonly rate: number };
  /** Nothing moves for `ms`: nothing is delivered, and settles wait. */
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
