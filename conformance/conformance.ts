import type { RegisterOptions } from "./conformance-options.ts";
import { checkLaw, type LawReport } from "./engine/check-law.ts";
import { laws } from "./laws/index.ts";
import { checkRegisterNames } from "./option-names.ts";
import { describeFailure } from "./report.ts";
import { checkOptions } from "./run-conformance.ts";
import { examine, type Subject } from "./subject.ts";

/** The broker broke a law. The message is the whole counterexample. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
  readonly report: LawReport;

  constructor(message: string, report: LawReport) {
    super(message);
    this.report = report;
  }
}

/**
 * Registers one test for each law. A law that is not claimed, not judged or a declared gap is skipped with its
 * reason, if the runner gives its tests a context with `skip(reason)`, as vitest and node:test do. Otherwise that
 * test passes.
 */
export function conformance(registration: RegisterOptions): void {
  checkRegisterNames(registration);
  const { test, fixture, options = {}, onResult } = registration;
  const { runs, seed, path } = checkOptions(options);
  let subject: Promise<Subject> | undefined;
  for (const law of laws) {
    if (options.laws !== undefined && !options.laws.includes(law.name)) continue;
    test(`${law.name}: ${law.promise}`, async (context) => {
      subject ??= examine(fixture);
      const report = await checkLaw(law, await subject, {
        seed,
        runs,
        path,
      });
      onResult?.(report);
      if (report.counterexample !== undefined) {
        throw new ConformanceError(describeFailure(fixture.name, report, report.counterexample), report);
      }
      if (report.reason !== undefined && canSkip(context)) context.skip(report.reason);
    });
  }
}

function canSkip(context: unknown): context is { skip(reason: string): void } {
  return typeof (context as { skip?: unknown } | undefined)?.skip === "function";
}
