import type { Arbitrary, Random, Stream, Value } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Step } from "../steps/step.ts";
import type { Mixture } from "./ground.ts";
import { drawn, type Part } from "./part.ts";
import { type Draft, type Place, smallerDrafts, start } from "./shrinking.ts";

/**
 * Subscribe-first: the subscribers are there before anything is published. Publish-first: the groups are known to the
 * broker, or read a topic from its start, and nobody is there.
 */
export type Profile = "subscribe first" | "publish first";

/** One generated history. */
export interface Case {
  readonly mixture: Mixture;
  readonly profile: Profile;
  readonly steps: readonly Step[];
}

interface Beginning {
  readonly mixture: Part<Mixture>;
  readonly profile: Part<Profile>;
}

interface Context {
  readonly draft: Draft<Beginning, Step>;
  readonly place: Place;
}

export interface CaseDesign {
  readonly mixture: Arbitrary<Mixture>;
  readonly step: Arbitrary<Step>;
  readonly length: Arbitrary<number>;
  readonly refrains: (random: Random) => readonly Part<Step>[];
}

const profiles: Arbitrary<Profile> = fc.constantFrom<Profile[]>("subscribe first", "publish first");

/**
 * fast-check's own `commands` remember which of them ran. If another part of the case shrinks, that memory is of another
 * play, and shrinking drops steps that the failure needs. So here a smaller case depends on the case alone.
 */
export function cases(design: CaseDesign): Arbitrary<Case> {
  return new Cases(design);
}

class Cases extends fc.Arbitrary<Case> {
  readonly #design: CaseDesign;

  constructor(design: CaseDesign) {
    super();
    this.#design = design;
  }

  generate(random: Random, bias: number | undefined): Value<Case> {
    const { mixture, step, length, refrains } = this.#design;
    const ground = { mixture: drawn(mixture, random, bias), profile: drawn(profiles, random, bias) };
    // Unbiased, because fast-check prefers a handful of steps, and many steps find nothing to do.
    const count = length.generate(random, undefined).value;
    const steps = Array.from({ length: count }, () => drawn(step, random, undefined));
    return caseOf({ draft: { ground, steps, refrains: refrains(random) }, place: start });
  }

  canShrinkWithoutContext(_: unknown): _ is Case {
    return false;
  }

  shrink(_: Case, context: unknown): Stream<Value<Case>> {
    return context instanceof Found ? fc.stream(smallerCases(context)) : fc.Stream.nil();
  }
}

/** What a case was made of. */
class Found implements Context {
  readonly draft: Draft<Beginning, Step>;
  readonly place: Place;

  constructor({ draft, place }: Context) {
    this.draft = draft;
    this.place = place;
  }
}

function caseOf(context: Context): Value<Case> {
  const { ground, steps } = context.draft;
  const { mixture, profile } = ground;
  const value = { mixture: mixture.value, profile: profile.value, steps: steps.map((each) => each.value) };
  return new fc.Value<Case>(value, new Found(context));
}

function* smallerCases({ draft, place }: Context): Generator<Value<Case>, void, unknown> {
  for (const [smaller, next] of smallerDrafts(draft, place, smallerBeginnings))
    yield caseOf({ draft: smaller, place: next });
}

function* smallerBeginnings(beginning: Beginning): Iterable<Beginning> {
  for (const mixture of beginning.mixture.smaller()) yield { ...beginning, mixture };
  for (const profile of beginning.profile.smaller()) yield { ...beginning, profile };
}
