import type { LawReport } from "./engine/check-law.ts";
import type { Fixture } from "./fixture.ts";
import type { Limits } from "./fixture-module.ts";
import type { LawName } from "./law.ts";

export interface ConformanceOptions {
  /** Histories for each law; a few laws take a share of it. @default 200 on virtual time, 10 on real time */
  readonly runs?: number;
  /** The same seed gives the same histories. @default drawn, and reported */
  readonly seed?: number;
  /** @default every law */
  readonly laws?: readonly LawName[];
  /** Of a counterexample: plays only that history. Needs its seed and exactly one law. */
  readonly path?: string;
}

export interface RunConformanceOptions extends ConformanceOptions {
  /** Of the thread a fixture is played in that is named by its module. */
  readonly limits?: Limits;
  /** Called when a law was checked. */
  readonly onProgress?: (law: LawReport, done: number, total: number) => void;
}

/** The `test` of any runner: vitest, node:test, mocha, jest. */
export type TestFunction = (name: string, body: (context?: unknown) => Promise<void>) => unknown;

export interface RegisterOptions {
  readonly test: TestFunction;
  readonly fixture: Fixture;
  readonly options?: ConformanceOptions;
  /** Called with the result of each law, for a report. */
  readonly onResult?: (law: LawReport) => void;
}
