import { checkCount, checkDuration, checkFunction, checkObject, checkSignal } from "../traits/arguments.ts";
import { type Clock, systemClock } from "../traits/clock.ts";
import { type Codec, type Decoded, decoderOf, type StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { ActiveRun } from "./active-run.ts";
import type { HandlerContext } from "./delivery.ts";
import {
  checkNoReturn,
  checkPolicy,
  checkPolicyFits,
  type FailurePolicy,
  type GivenPolicy,
  type HasDeadLetters,
  type NoOtherOptions,
} from "./failure-policy.ts";
import type { KeySelector } from "./key.ts";
import { compose, type Middleware } from "./middleware.ts";
import type { HandlerResult } from "./outcome.ts";
import type { Refused } from "./refused.ts";
import { type ErrorListener, Reporter, warn } from "./report.ts";
import type { Run } from "./run.ts";

/** Options of `pipeline(subscriber, options)`. */
export interface PipelineOptions {
  /** Gives retries, timeouts and deadlines the time. @default the subscriber's clock: the system's, except in tests */
  readonly clock?: Clock;
  /** The source of jitter: a number from 0 to 1. @default Math.random */
  readonly random?: () => number;
  /**
   * Gets every failure that no promise carries, and what comes next. Without it, and without a listener on the
   * diagnostics channel "tidelane:error", the run prints a process warning for the first failure of each kind. A
   * kind is an error code, or the name of an error, together with what comes next.
   */
  readonly onError?: ErrorListener;
}

/** Options of `workers(count, key, options)`. */
export interface WorkersOptions {
  /**
   * The most deliveries in flight: waiting in lanes, running and settling; at least the number of workers. Give it
   * room, because the messages of a slow key fill it in the end. Without a key, deliveries beyond `n` may overtake
   * one that waits for its retry. @default `max(256, 32 * n)` with a key, `n` without
   */
  readonly maxInFlight?: number;
}

/** Options of `handle(handler, options)`. */
export interface HandleOptions {
  /** Stops the run when it aborts. */
  readonly signal?: AbortSignal;
  /**
   * How long one run of the handler may take, in milliseconds. Then `context.signal` aborts with a `TimeoutError`,
   * and the run has failed, whatever the handler returns later. Only while the pipeline is stopped does a late
   * handler still decide. It does not limit an async decoder. @default no limit
   */
  readonly timeoutMs?: number;
  /**
   * "wait": the worker and the lane wait until the handler returns, so a key has one handler at a time. "abandon":
   * they go on at once, and the old handler may still be running beside the next one of its key. @default "wait"
   */
  readonly onTimeout?: "wait" | "abandon";
}

const optionNamesOf = {
  pipeline: optionNames<PipelineOptions>()({ clock: true, random: true, onError: true }),
  workers: optionNames<WorkersOptions>()({ maxInFlight: true }),
  handle: optionNames<HandleOptions>()({ signal: true, timeoutMs: true, onTimeout: true }),
};

/** Does the work for one delivery. Returning nothing is `ack()`. After a throw, the failure policy decides. */
export type Handler<M extends Message = Message, Value = M, DeadLetters extends boolean = boolean> = (
  value: Value,
  context: HandlerContext<M>,
) => HandlerResult<DeadLetters> | Promise<HandlerResult<DeadLetters>>;

type Step = "decode" | "use" | "workers" | "onFailure";

/** Why a step cannot come any more. */
interface UsedSteps {
  readonly decode: Refused<"decode() comes once, and before workers() and use(): they see the value it gives.">;
  readonly use: never;
  readonly workers: Refused<"workers() comes once.">;
  readonly onFailure: Refused<"onFailure() comes once.">;
}

/** A pipeline. A step that cannot come any more has a type that says why. */
export type Pipeline<M extends Message, Value, DeadLetters extends boolean, Used extends Step = never> = Omit<
  PipelineSteps<M, Value, DeadLetters, Used>,
  Used
> &
  Pick<UsedSteps, Used>;

/** The steps of a pipeline. Each returns a new pipeline, and `handle` starts the run. */
export interface PipelineSteps<M extends Message, Value, DeadLetters extends boolean, Used extends Step> {
  /**
   * Turns payloads into values: with a codec (`json`, `text`, `bytes` or your own), or as JSON checked by a
   * Standard Schema. A payload that does not decode never reaches the handler and does not stop the run. Comes
   * before `use` and `workers`, because they see the value.
   */
  decode<const Decoder extends Codec<unknown> | StandardSchema>(
    decoder: Decoder,
  ): Pipeline<M, Decoded<Decoder>, DeadLetters, Used | "decode">;
  /** Wraps the handler. The first middleware is the outermost. */
  use(middleware: Middleware<M, Value>): Pipeline<M, Value, DeadLetters, Used | "decode">;
  /**
   * Runs up to `count` handlers at once. With a key, the messages of one key run in order. Without this step: one
   * handler at a time, in order.
   */
  workers(
    count: number,
    key?: KeySelector<Value>,
    options?: WorkersOptions,
  ): Pipeline<M, Value, DeadLetters, Used | "decode" | "workers">;
  /**
   * What happens when a handler throws or asks for a retry. Without this step, it runs again in place until it
   * succeeds.
   */
  onFailure<const Policy extends GivenPolicy>(
    policy: Policy & NoOtherOptions<Policy>,
  ): Pipeline<M, Value, HasDeadLetters<Policy>, Used | "onFailure">;
  /** Starts pulling, and returns the run. Throws `SubscriberBusyError` if the subscriber has an active iterator. */
  handle(handler: Handler<M, Value, DeadLetters>, options?: HandleOptions): Run;
}

/** Runs handlers over a subscription: it decodes, orders, runs and settles. */
export function pipeline<M extends Message>(
  subscriber: Subscriber<M>,
  options: PipelineOptions = {},
): Pipeline<M, M, false> {
  checkSubscriber(subscriber);
  checkOptions(options);
  const start = new PipelineBuilder<M, M, false>({
    subscriber,
    options,
    decode: undefined,
    layers: [],
    workers: 1,
    selector: undefined,
    maxInFlight: undefined,
    policy: {},
  });
  // It has every step at any time, and refuses at run time too; the type says which of them can come.
  return start as unknown as Pipeline<M, M, false>;
}

function checkSubscriber(given: Partial<Subscriber> | undefined): void {
  const iterable = typeof given?.[Symbol.asyncIterator] === "function" && typeof given.close === "function";
  if (iterable && typeof given.capabilities === "object") return;
  throw new InvalidArgumentError({
    argument: "pipeline(subscriber)",
    expected: "a subscriber, as connection.subscribe() gives one",
    received: given,
  });
}

function checkOptions(options: PipelineOptions): void {
  checkObject("pipeline(subscriber, options)", options);
  checkOptionNames("pipeline(subscriber, options)", options, optionNamesOf.pipeline);
  const { clock, random, onError } = options;
  if (random !== undefined) checkFunction("pipeline: random", random);
  if (onError !== undefined) checkFunction("pipeline: onError", onError);
  if (clock === undefined) return;
  checkObject("pipeline: clock", clock, "a Clock");
  checkFunction("pipeline: clock.schedule", clock.schedule);
  checkFunction("pipeline: clock.now", clock.now);
}

function isDecoder(given: unknown): boolean {
  if ((typeof given !== "object" && typeof given !== "function") || given === null) return false;
  const { "~standard": standard, decode } = given as Partial<StandardSchema & Codec<unknown>>;
  return typeof (standard === undefined ? decode : standard?.validate) === "function";
}

interface Description<M extends Message, Value> {
  readonly subscriber: Subscriber<M>;
  readonly options: PipelineOptions;
  readonly decode: ((message: Message) => Value | Promise<Value>) | undefined;
  readonly layers: readonly Middleware<M, Value>[];
  readonly workers: number;
  readonly selector: KeySelector<Value> | undefined;
  readonly maxInFlight: number | undefined;
  readonly policy: FailurePolicy;
}

class PipelineBuilder<M extends Message, Value, DeadLetters extends boolean> {
  readonly #description: Description<M, Value>;

  constructor(description: Description<M, Value>) {
    this.#description = description;
  }

  decode<const Decoder extends Codec<unknown> | StandardSchema>(
    decoder: Decoder,
  ): PipelineBuilder<M, Decoded<Decoder>, DeadLetters> {
    const argument = "decode(decoder)";
    if (!isDecoder(decoder)) {
      throw new InvalidArgumentError({
        argument,
        expected: "a codec or a Standard Schema",
        received: decoder,
      });
    }
    // The types say so too; without them, a key or a middleware meant for the message would go unnoticed.
    const { decode: earlier, layers, selector } = this.#description;
    const expected = earlier ? "called once" : "called before workers() and use()";
    if (earlier || selector || layers.length > 0) {
      throw new InvalidArgumentError({ argument, expected, received: decoder });
    }
    const decode = decoderOf(decoder as Codec<Decoded<Decoder>> | StandardSchema<unknown, Decoded<Decoder>>);
    return new PipelineBuilder({ ...this.#description, decode, layers: [], selector: undefined });
  }

  use(middleware: Middleware<M, Value>): PipelineBuilder<M, Value, DeadLetters> {
    checkFunction("use(middleware)", middleware);
    return new PipelineBuilder({ ...this.#description, layers: [...this.#description.layers, middleware] });
  }

  workers(
    count: number,
    selector?: KeySelector<Value>,
    options: WorkersOptions = {},
  ): PipelineBuilder<M, Value, DeadLetters> {
    checkCount("workers(n)", count);
    if (selector !== undefined && typeof selector?.select !== "function") {
      const expected = "byKey or by((value) => key)";
      throw new InvalidArgumentError({ argument: "workers(n, key)", expected, received: selector });
    }
    checkObject("workers(n, key, options)", options);
    checkOptionNames("workers(n, key, options)", options, optionNamesOf.workers);
    const { maxInFlight } = options;
    if (maxInFlight !== undefined) checkCount("workers: maxInFlight", maxInFlight, count, true);
    return new PipelineBuilder({ ...this.#description, workers: count, selector, maxInFlight });
  }

  onFailure<const Policy extends FailurePolicy>(
    policy: Policy,
  ): PipelineBuilder<M, Value, HasDeadLetters<Policy>> {
    checkPolicy(policy);
    return new PipelineBuilder({ ...this.#description, policy });
  }

  handle(handler: Handler<M, Value, DeadLetters>, options: HandleOptions = {}): Run {
    checkFunction("handle(handler)", handler);
    checkObject("handle(handler, options)", options);
    checkOptionNames("handle(handler, options)", options, optionNamesOf.handle);
    const { signal, timeoutMs, onTimeout = "wait" } = options;
    if (timeoutMs !== undefined) checkDuration("handle: timeoutMs", timeoutMs);
    if (onTimeout !== "wait" && onTimeout !== "abandon") {
      const expected = '"wait" or "abandon"';
      throw new InvalidArgumentError({ argument: "handle: onTimeout", expected, received: onTimeout });
    }
    checkSignal("handle: signal", signal);
    const { subscriber, decode, layers, workers, selector, maxInFlight, policy } = this.#description;
    const { random = Math.random, onError } = this.#description.options;
    const clock = this.#description.options.clock ?? subscriber.clock ?? systemClock;
    const checked = checkPolicy(policy);
    checkPolicyFits(checked, subscriber.capabilities);
    checkNoReturn(checked, subscriber);
    const { maxInFlight: most } = subscriber.capabilities;
    if (workers > most) {
      warn(
        `workers(${workers}) over "${subscriber.topic}", which delivers ${most} at once: ${workers - most} workers stay idle. Raise its prefetch.`,
      );
    }
    return new ActiveRun<M, Value>({
      subscriber,
      workers,
      selector,
      decode,
      signal,
      timeoutMs,
      onTimeout,
      maxInFlight: maxInFlight ?? (selector ? Math.max(256, 32 * workers) : workers),
      chain: compose<M, Value>(layers, handler),
      policy: checked,
      clock,
      random,
      reporter: new Reporter<M>(subscriber.topic, onError),
    });
  }
}
