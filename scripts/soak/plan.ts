import type { LawName } from "tidelane/conformance";
import { randomFrom } from "../../src/testing/random.ts";

/** One law, or one round of faults, at a seed of its own. */
export type SoakStep =
  | { readonly kind: "law"; readonly law: LawName; readonly seed: number }
  | { readonly kind: "faults"; readonly seed: number };

/** After so many laws comes a round of faults: it takes about as long as they do. */
const lawsBetweenRounds = 12;

/**
 * The steps of a soak, without end. They depend on the seed, the laws and `faults` alone. Every law comes once before one
 * comes again, each time in another order.
 */
export function* planSoak(
  seed: number,
  laws: readonly LawName[],
  faults: boolean,
): Generator<SoakStep, never> {
  const random = randomFrom(seed);
  for (let played = 0; ; ) {
    for (const law of shuffled(laws, random)) {
      yield { kind: "law", law, seed: Math.floor(random() * 2 ** 31) };
      played += 1;
      if (played % lawsBetweenRounds > 0) continue;
      const roundSeed = Math.floor(random() * 1_000_000);
      if (faults) yield { kind: "faults", seed: roundSeed };
    }
  }
}

function shuffled<T>(things: readonly T[], random: () => number): T[] {
  const found = [...things];
  for (let last = found.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [found[last], found[other]] = [found[other] as T, found[last] as T];
  }
  return found;
}
