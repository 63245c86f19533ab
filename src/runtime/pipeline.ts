import { checkCount, checkFunction, checkObject } from "../traits/arguments.ts";
import { type Clock, systemClock } from "../traits/clock.ts";
import { type Codec, type Decoded, decoderOf, type StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import type { HandlerContext } from "./delivery.ts";
import { checkPolicy, checkPolicyFits, type FailurePolicy, type HasDeadLetters } from "./failure-policy.ts";
import type { KeySelector } from "./key.ts";
import { compose, type Middleware } from "./middleware.ts";
import type { HandlerResult } from "./outcome.ts";
import { type ErrorListener, Reporter } from "./report.ts";
import { ActiveRun, type Run } from "./run.ts";

export interface PipelineOptions {
  /** Where retries and deadlines get their time. @default systemClock */
  readonly clock?: Clock;
  /** Source of jitter, 0 to 1. @default Math.random */
  readonly random?: () => number;
  /**
   * Told of every failure that no promise carries. Without it, and without a subscriber of the diagnostics channel
   * "tidelane:error", the first failure of a run is a process warning.
   */
  readonly onError?: ErrorListener;
}

export interface WorkersOptions {
  /**
   * The most deliveries in flight: waiting in lanes, running and settling. At least the number of workers. A key that is
   * slow fills it in the end, so give it room. Without a key, what exceeds `n` may overtake a delivery that waits for its
   * retry. @default `max(256, 32 * n)` with a key, `n` without
   */
  readonly maxInFlight?: number;
}

export interface HandleOptions {
  /** Stops the run when it aborts. */
  readonly signal?: AbortSignal;
}

/** Does the work for one delivery. Nothing returned is `ack()`; a throw follows the failure policy. */
export type Handler<M extends Message = Message, Value = M, DeadLetters extends boolean = boolean> = (
  value: Value,
  context: HandlerContext<M>,
) => HandlerResult<DeadLetters> | Promise<HandlerResult<DeadLetters>>;

type Step = "decode" | "use" | "workers" | "onFailure";

/** A pipeline without the steps that cannot come any more. */
export type Pipeline<M extends Message, Value, DeadLetters extends boolean, Used extends Step = never> = Omit<
  PipelineSteps<M, Value, DeadLetters, Used>,
  Used
>;

/** Every step returns a new pipeline; `handle` starts the run. */
export interface PipelineSteps<M extends Message, Value, DeadLetters extends boolean, Used extends Step> {
  /**
   * Payloads become values: by a codec (`json`, `text`, `bytes` or your own), or as JSON checked by any Standard Schema.
   * A payload that fails never reaches the handler and never stops the run. Comes before the steps that see the value.
   */
  decode<const Decoder extends Codec<unknown> | StandardSchema>(
    decoder: Decoder,
  ): Pipeline<M, Decoded<Decoder>, DeadLetters, Used | "decode">;
  /** Wraps the handler. The first one is the outermost. */
  use(middleware: Middleware<M, Value>): Pipeline<M, Value, DeadLetters, Used | "decode">;
  /**
   * Up to `count` handlers at once; with a key, one key strictly in order. Without this step: one at a time, in order.
   */
  workers(
    count: number,
    key?: KeySelector<Value>,
    options?: WorkersOptions,
  ): Pipeline<M, Value, DeadLetters, Used | "decode" | "workers">;
  /** What happens when a handler throws or asks for a retry. Without this step: retry for ever, in place. */
  onFailure<const Policy extends FailurePolicy>(
    policy: Policy,
  ): Pipeline<M, Value, HasDeadLetters<Policy>, Used | "onFailure">;
  /** Starts pulling. Throws `SubscriberBusyError` when the subscriber is being iterated. */
  handle(handler: Handler<M, Value, DeadLetters>, options?: HandleOptions): Run;
}

/** Runs handlers over a subscription: decode, order, run, settle. */
export function pipeline<M extends Message>(
  subscriber: Subscriber<M>,
  options: PipelineOptions = {},
): Pipeline<M, M, false> {
  checkSubscriber(subscriber);
  checkOptions(options);
  return new PipelineBuilder<M, M, false>({
    subscriber,
    options,
    decode: undefined,
    layers: [],
    workers: 1,
    selector: undefined,
    maxInFlight: undefined,
    policy: {},
  });
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
  const { clock, random, onError } = options;
  if (random !== undefined) checkFunction("pipeline: random", random);
  if (onError !== undefined) checkFunction("pipeline: onError", onError);
  if (clock === undefined) return;
  checkObject("pipeline: clock", clock, "a Clock");
  checkFunction("pipeline: clock.schedule", clock.schedule);
}

function isDecoder(given: unknown): boolean {
  if ((typeof given !== "object" && typeof given !== "function") || given === null) return false;
  const { "~standard": standard, decode } = given as Partial<StandardSchema & Codec<unknown>>;
  return typeof (standard === undefined ? decode : standard.validate) === "function";
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

class PipelineBuilder<M extends Message, Value, DeadLetters extends boolean>
  implements PipelineSteps<M, Value, DeadLetters, never>
{
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
    const { signal } = options;
    if (signal !== undefined && typeof signal?.addEventListener !== "function") {
      const expected = "an AbortSignal";
      throw new InvalidArgumentError({ argument: "handle: signal", expected, received: signal });
    }
    const { subscriber, decode, layers, workers, selector, maxInFlight, policy } = this.#description;
    const { clock = systemClock, random = Math.random, onError } = this.#description.options;
    const checked = checkPolicy(policy);
    checkPolicyFits(checked, subscriber.capabilities);
    return new ActiveRun<M, Value>({
      subscriber,
      workers,
      selector,
      decode,
      signal,
      maxInFlight: maxInFlight ?? (selector ? Math.max(256, 32 * workers) : workers),
      chain: compose<M, Value>(layers, handler),
      policy: checked,
      clock,
      random,
      reporter: new Reporter<M>(subscriber.topic, onError),
    });
  }
}
