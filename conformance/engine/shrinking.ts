import type { Part } from "./part.ts";

/** What one history is made of. */
export interface Draft<G, S> {
  /** Where it is played, and how it begins. Each part is made smaller on its own. */
  readonly ground: G;
  readonly steps: readonly Part<S>[];
  /** Single steps that may say what many of the others do. */
  readonly refrains: readonly Part<S>[];
}

/** Smaller grounds in the place of this one. */
export type GroundShrinks<G> = (ground: G) => Iterable<G>;

/** How far the search for a smaller draft has come. */
export interface Place {
  readonly pass: number;
  /** Of the pass: the step, and how many steps are left out at once. */
  readonly at: number;
  readonly width: number | undefined;
  /** Something became smaller since the first pass. */
  readonly changed: boolean;
}

export const start: Place = { pass: 0, at: 0, width: undefined, changed: false };

type From = Pick<Place, "at" | "width">;
type Candidate<G, S> = Partial<Draft<G, S>> & From;
type Pass<G, S> = (draft: Draft<G, S>, from: From) => Iterable<Candidate<G, S>>;

/** More steps than a counterexample should take to say: only then repetition is tried. */
const manySteps = 12;
/** So many that leaving them out one by one takes long, where only their number matters. */
const tooManySteps = 24;
/** The fewest steps left out at once before repetition is tried. */
const several = 4;

/**
 * Smaller drafts, each with the place from which the search goes on if it fails too. What a pass has tried in vain is
 * not tried again before everything else was: one play costs milliseconds, and thousands of them are a minute.
 */
export function* smallerDrafts<G, S>(
  draft: Draft<G, S>,
  place: Place,
  grounds: GroundShrinks<G>,
): Generator<readonly [Draft<G, S>, Place]> {
  const passes: readonly Pass<G, S>[] = [
    onSmaller(grounds),
    withoutEnd,
    ({ steps }, from) => withoutSome(steps, from, { most: steps.length, least: several }),
    (each) => byRefrain(each, tooManySteps),
    ({ steps }, from) => withoutSome(steps, from, { most: several - 1, least: 1 }),
    (each) => byRefrain(each, manySteps),
    inDetail,
  ];
  for (let pass = place.pass; pass < passes.length; pass += 1) {
    const from = pass === place.pass ? place : start;
    for (const { at, width, ...parts } of passes[pass]?.(draft, from) ?? [])
      yield [
        { ...draft, ...parts },
        { pass, at, width, changed: true },
      ];
  }
  // Fewer steps may do on the smaller ground, and a smaller ground for fewer steps.
  if (place.changed) yield* smallerDrafts(draft, start, grounds);
}

/** What comes behind the failure goes at once. */
function* withoutEnd<G, S>({ steps }: Draft<G, S>): Iterable<Candidate<G, S>> {
  for (let left = steps.length; left > 0; left = Math.floor(left / 2))
    yield { steps: steps.slice(0, steps.length - left), at: 0, width: undefined };
}

function onSmaller<G, S>(grounds: GroundShrinks<G>): Pass<G, S> {
  return function* ({ ground }) {
    for (const smaller of grounds(ground)) yield { ground: smaller, at: 0, width: undefined };
  };
}

/** Half of the steps at once, then quarters, and so on. */
function* withoutSome<G, S>(
  steps: readonly Part<S>[],
  from: From,
  { most, least }: { readonly most: number; readonly least: number },
): Iterable<Candidate<G, S>> {
  let at = from.at;
  const first = from.width ?? Math.min(most, Math.ceil(steps.length / 2));
  for (let width = first; width >= least; width = Math.floor(width / 2)) {
    for (; at < steps.length; at += width)
      yield { steps: [...steps.slice(0, at), ...steps.slice(at + width)], at, width };
    at = 0;
  }
}

/** Many steps may fail only because of how often they do the same. */
function* byRefrain<G, S>({ steps, refrains }: Draft<G, S>, over: number): Iterable<Candidate<G, S>> {
  if (steps.length <= over) return;
  for (const refrain of refrains) yield { steps: [refrain], at: 0, width: undefined };
}

function* inDetail<G, S>({ steps }: Draft<G, S>, from: From): Iterable<Candidate<G, S>> {
  for (let at = from.at; at < steps.length; at += 1) {
    for (const smaller of steps[at]?.smaller() ?? [])
      yield { steps: steps.with(at, smaller), at, width: undefined };
  }
}
