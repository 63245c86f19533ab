import type { LawReport } from "./engine/check-law.ts";
import type { Fixture } from "./fixture.ts";
import type { Limits } from "./fixture-module.ts";
import type { LawName } from "./law.ts";

/** Options of a conformance run. */
export interface ConformanceOptions {
  /**
   * How many histories to play for each law; a few laws play a share of it. @default 200 on virtual time, 10 on
   * real time
   */
  readonly runs?: number;
  /** The same seed gives the same histories. @default drawn, and reported */
  readonly seed?: number;
  /** Which laws to check. @default every law */
  readonly laws?: readonly LawName[];
  /** The path of a counterexample: plays only that history. Needs its seed, and exactly one law. */
  readonly path?: string;
}

/** Options of `runConformance(fixture, options)`. */
export interface RunConformanceOptions extends ConformanceOptions {
  /** Limits for the thread of a fixture that is named by its module. */
  readonly limits?: Limits;
  /** Called after each law. */
  readonly onProgress?: (law: LawReport, done: number, total: number) => void;
}

/** The `test` function of a runner, such as vitest, node:test, mocha or jest. */
export type TestFunction = (name: string, body: (context?: unknown) => Promise<void>) => unknown;

/** What `conformance(registration)` takes. */
export interface RegisterOptions {
  /** The `test` function of the runner. */
  readonly test: TestFunction;
  /** How to make the broker. */
  readonly fixture: Fixture;
  /** Which laws, how many histories, and the seed. */
  readonly options?: ConformanceOptions;
  /** Called with the result of each law. */
  readonly onResult?: (law: LawReport) => void;
}
