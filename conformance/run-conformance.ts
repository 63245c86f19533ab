import { checkCount } from "../src/traits/arguments.ts";
import { InvalidArgumentError } from "../src/traits/index.ts";
import type { ConformanceOptions, RunConformanceOptions } from "./conformance-options.ts";
import type { LawReport } from "./engine/check-law.ts";
import { runLaws } from "./engine/run-laws.ts";
import { runSupervised } from "./engine/supervised.ts";
import type { Fixture } from "./fixture.ts";
import { defaultLimits, type FixtureModule, isFixtureModule, type Limits } from "./fixture-module.ts";
import { lawNames } from "./law.ts";
import { laws } from "./laws/index.ts";
import { checkModuleNames, checkRunNames } from "./option-names.ts";
import type { Report } from "./report.ts";

/**
 * Holds the broker of `fixture` to every law. Resolves with a report, whether laws fail or not. Rejects if the
 * broker cannot be reached. A fixture that is named by its module runs in a thread of its own, within
 * `options.limits`.
 */
export async function runConformance(
  fixture: Fixture | FixtureModule,
  options: RunConformanceOptions = {},
): Promise<Report> {
  const apart = isFixtureModule(fixture);
  if (apart) checkModuleNames(fixture, options);
  else checkRunNames(fixture, options);
  const { runs, seed, path } = checkOptions(options);
  const limits = checkLimits(options.limits, apart);
  const chosen = laws.filter(({ name }) => options.laws === undefined || options.laws.includes(name));
  let count = 0;
  const done = (report: LawReport): void => {
    count += 1;
    options.onProgress?.(report, count, chosen.length);
  };
  if (!apart) return runLaws(fixture, { laws: chosen, runs, seed, path }, { done });
  const names = chosen.map(({ name }) => name);
  return runSupervised({ fixture, laws: names, runs, seed, path }, limits, done);
}

function checkLimits(limits: Limits | undefined, apart: boolean): Limits {
  if (limits === undefined) return {};
  if (!apart) {
    const expected = "left out: they hold for a fixture that is named by its module";
    throw new InvalidArgumentError({ argument: "options.limits", expected, received: limits });
  }
  const { busyMs, memoryMb } = { ...defaultLimits, ...limits };
  checkCount("options.limits.busyMs", busyMs);
  checkCount("options.limits.memoryMb", memoryMb);
  return { busyMs, memoryMb };
}

/** The options with their defaults; the runs where they are given. Throws `InvalidArgumentError`. */
export function checkOptions(options: ConformanceOptions): {
  readonly runs: number | undefined;
  readonly seed: number;
  readonly path: string | undefined;
} {
  const runs = options.runs === undefined ? undefined : checkCount("options.runs", options.runs);
  const seed = options.seed ?? Math.trunc(Math.random() * 2 ** 31);
  if (!Number.isSafeInteger(seed)) {
    throw new InvalidArgumentError({ argument: "options.seed", expected: "a whole number", received: seed });
  }
  for (const name of options.laws ?? []) {
    if (lawNames.includes(name)) continue;
    const expected = `names of laws (${lawNames.join(", ")})`;
    throw new InvalidArgumentError({ argument: "options.laws", expected, received: name });
  }
  const { path } = options;
  if (path !== undefined && (options.laws?.length !== 1 || options.seed === undefined)) {
    const expected = "given together with the seed and the one law of its counterexample";
    throw new InvalidArgumentError({ argument: "options.path", expected, received: path });
  }
  if (path !== undefined && !/^\d+(:\d+)*$/.test(path)) {
    const expected = 'the path of a counterexample, as in "4:2:1"';
    throw new InvalidArgumentError({ argument: "options.path", expected, received: path });
  }
  return { runs, seed, path };
}
