import { checkOptionNames, optionNames } from "../src/traits/option-names.ts";
import type { ConformanceOptions, RegisterOptions, RunConformanceOptions } from "./conformance-options.ts";
import type {
  Fixture,
  HeaderAlphabet,
  PatternSyntax,
  Positions,
  StrictPromises,
  Timings,
} from "./fixture.ts";
import type { FixtureModule, Limits } from "./fixture-module.ts";
import { type LawName, lawNames } from "./law.ts";

const laws = Object.fromEntries(lawNames.map((name) => [name, true])) as Record<LawName, true>;

const fixtureNames = optionNames<Fixture>()({
  name: true,
  time: true,
  broker: true,
  source: true,
  ungrouped: true,
  patternSource: true,
  patterns: optionNames<PatternSyntax>()({ separator: true, one: true, rest: true }),
  kill: true,
  restart: true,
  rebalances: true,
  forgetsCounts: true,
  refusesWhileOpening: true,
  bounded: true,
  positions: optionNames<Positions>()({ start: true, end: true, unavailable: true, compare: true }),
  headers: optionNames<HeaderAlphabet>()({ names: true, values: true, added: true }),
  promises: optionNames<StrictPromises>()({
    settlesSurviveCrash: true,
    requeueKeepsPlace: true,
    countsExactly: true,
    noPrefetch: true,
    limitPerGroup: true,
    abortSendsNothing: true,
    ordersCalls: true,
  }),
  timings: optionNames<Timings>()({ arrivalMs: true, stepMs: true, closeMs: true, skewMs: true }),
  secrets: true,
  gaps: optionNames<Record<LawName, string>>()(laws),
});

const conformanceNames = { runs: true, seed: true, laws: true, path: true } as const;
const registerNames = optionNames<RegisterOptions>()({
  test: true,
  fixture: fixtureNames,
  options: optionNames<ConformanceOptions>()(conformanceNames),
  onResult: true,
});
const runNames = optionNames<RunConformanceOptions>()({
  ...conformanceNames,
  onProgress: true,
  limits: optionNames<Limits>()({ busyMs: true, memoryMb: true }),
});
const moduleNames = optionNames<FixtureModule>()({ module: true, name: true, input: true, loader: true });

/** Throws `UnknownOptionError` on a name that nobody reads, in the fixture too. */
export function checkRegisterNames(options: RegisterOptions): void {
  checkOptionNames("conformance(options)", options, registerNames);
}

/** Throws `UnknownOptionError` on a name that nobody reads. */
export function checkRunNames(fixture: Fixture, options: RunConformanceOptions): void {
  checkOptionNames("runConformance(fixture, options)", fixture, fixtureNames, "fixture.");
  checkOptionNames("runConformance(fixture, options)", options, runNames, "options.");
}

/** Throws `UnknownOptionError` on a name that nobody reads; those of the fixture are checked where it is loaded. */
export function checkModuleNames(fixture: FixtureModule, options: RunConformanceOptions): void {
  checkOptionNames("runConformance(fixture, options)", fixture, moduleNames, "fixture.");
  checkOptionNames("runConformance(fixture, options)", options, runNames, "options.");
}
