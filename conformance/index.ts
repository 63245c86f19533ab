export { type CodecLawsOptions, codecLaws } from "./codec-laws.ts";
export { ConformanceError, conformance } from "./conformance.ts";
export type {
  ConformanceOptions,
  RegisterOptions,
  RunConformanceOptions,
  TestFunction,
} from "./conformance-options.ts";
export type { Counterexample, LawReport } from "./engine/check-law.ts";
export type { Failure } from "./engine/play.ts";
export {
  defaultTimings,
  type Fixture,
  type FixtureEnvironment,
  type HeaderAlphabet,
  type PatternSyntax,
  type Positions,
  type SourceOptions,
  type StrictPromises,
  type Timings,
  type TopicNeeds,
} from "./fixture.ts";
export type { FixtureModule, Limits } from "./fixture-module.ts";
export { type LawName, lawNames } from "./law.ts";
export { describeFailure, type Report, toMarkdown } from "./report.ts";
export { runConformance } from "./run-conformance.ts";
export type { History } from "./stage/trace.ts";
