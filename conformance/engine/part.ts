import type { Arbitrary, Random, Value } from "fast-check";

/** A value of a case, and the smaller ones that may take its place. */
export interface Part<T> {
  readonly value: T;
  smaller(): Iterable<Part<T>>;
}

/** Drawn by an arbitrary, which knows what is smaller. */
export function drawn<T>(from: Arbitrary<T>, random: Random, bias: number | undefined): Part<T> {
  return part(from, from.generate(random, bias));
}

function part<T>(from: Arbitrary<T>, { value, context }: Value<T>): Part<T> {
  return {
    value,
    *smaller() {
      for (const smaller of from.shrink(value, context)) yield part(from, smaller);
    },
  };
}
