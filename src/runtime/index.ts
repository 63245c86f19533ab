export type { HandlerContext, Settlement } from "./delivery.ts";
export type { Backoff, DeadLetterTarget, FailurePolicy, HasDeadLetters } from "./failure-policy.ts";
export { by, byKey, type KeySelector } from "./key.ts";
export type { Middleware } from "./middleware.ts";
export {
  type AckOutcome,
  ack,
  type DeadLetterOutcome,
  type DropOutcome,
  deadLetter,
  drop,
  type FailureOutcome,
  type HandlerResult,
  type MiddlewareOutcome,
  type Outcome,
  type RetryOutcome,
  retry,
  retryAfter,
} from "./outcome.ts";
export {
  type HandleOptions,
  type Handler,
  type Pipeline,
  type PipelineOptions,
  type PipelineSteps,
  pipeline,
  type WorkersOptions,
} from "./pipeline.ts";
export type { ErrorListener } from "./report.ts";
export type { DrainOptions, LeftDelivery, Run, RunReport, StopOptions } from "./run.ts";
export type { RunStats } from "./stats.ts";
