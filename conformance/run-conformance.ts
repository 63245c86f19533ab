import { checkCount } from "../src/traits/arguments.ts";
import { InvalidArgumentError } from "../src/traits/index.ts";
import type { ConformanceOptions, RunConformanceOptions } from "./conformance-options.ts";
import { checkLaw, type LawReport } from "./engine/check-law.ts";
import type { Fixture } from "./fixture.ts";
import { lawNames } from "./law.ts";
import { laws } from "./laws/index.ts";
import { checkRunNames } from "./option-names.ts";
import type { Report } from "./report.ts";
import { examine } from "./subject.ts";

/** Histories a law, where the caller does not say. */
const defaultRuns = { virtual: 200, real: 10 } as const;

/** Holds the broker of `fixture` to every law. Resolves also when it fails some; rejects when it cannot be reached. */
export async function runConformance(fixture: Fixture, options: RunConformanceOptions = {}): Promise<Report> {
  checkRunNames(fixture, options);
  const { runs, seed, path } = checkOptions(fixture, options);
  const chosen = laws.filter(({ name }) => options.laws === undefined || options.laws.includes(name));
  const subject = await examine(fixture);
  const reports: LawReport[] = [];
  for (const law of chosen) {
    const report = await checkLaw(law, subject, { seed, runs, ...(path === undefined ? {} : { path }) });
    reports.push(report);
    options.onProgress?.(report, reports.length, chosen.length);
  }
  const histories = reports.reduce((sum, report) => sum + report.histories, 0);
  return { broker: fixture.name, seed, histories, laws: reports };
}

/** The options with their defaults. Throws `InvalidArgumentError`. */
export function checkOptions(
  fixture: Fixture,
  options: ConformanceOptions,
): { readonly runs: number; readonly seed: number; readonly path: string | undefined } {
  const runs = checkCount("options.runs", options.runs ?? defaultRuns[fixture.time]);
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
  if (path !== undefined && !/^\d+(:\d+)*(@.+)?$/.test(path)) {
    const expected = 'the path of a counterexample, as in "4:2:1@AB:C"';
    throw new InvalidArgumentError({ argument: "options.path", expected, received: path });
  }
  return { runs, seed, path };
}
