/** What one attempt to handle a line costs, and whether it fails. */
export interface Work {
  readonly ms: number;
  readonly fails: boolean;
}

const shortestMs = 1;
const longestMs = 5;
const failureRate = 0.02;

/**
 * The work of one attempt. It depends on nothing but the three numbers, so a seed gives the same work and the same
 * retries with any number of workers.
 *
 * @param line from 1
 * @param attempt from 1
 */
export function workOf(seed: number, line: number, attempt: number): Work {
  const bits = scramble(scramble(scramble(seed) ^ line) ^ attempt);
  return {
    ms: shortestMs + (longestMs - shortestMs) * fraction(bits),
    fails: fraction(scramble(bits)) < failureRate,
  };
}

/** Spreads 32 bits over 32 bits: two multiplications by odd numbers, with the high half folded in between. */
function scramble(bits: number): number {
  let mixed = (bits + 0x9e3779b9) | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function fraction(bits: number): number {
  return bits / 2 ** 32;
}
