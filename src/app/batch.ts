import type { HandlerResult } from "../runtime/outcome.ts";
import type { Clock } from "../traits/clock.ts";
import type { StandardSchema } from "../traits/codec.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { DeliveryContext, MessageContext } from "./context.ts";

/** What `batches({ max, maxWaitMs })` gives. */
export interface Batches {
  readonly max: number;
  readonly maxWaitMs: number;
  /** @internal A handler of single messages that gathers them for `facts.handler`. */
  readonly collect: (facts: BatchOf) => (value: unknown, context: DeliveryContext) => Promise<unknown>;
}

/** What a collector needs of its subscription. */
export interface BatchOf {
  readonly handler: (values: readonly unknown[], batch: DeliveryBatch) => unknown;
  /** Batches at once. */
  readonly parallel: number;
  readonly clock: Clock;
  /** So many messages more wait for the clock, or for others. */
  readonly waiting: (change: number) => void;
}

type Shared = "channel" | "state" | "publish" | "request";

export interface DeliveryBatch extends Pick<DeliveryContext, Shared> {
  readonly deliveries: readonly DeliveryContext[];
  readonly signal: AbortSignal;
}

/** What a handler of batches gets beside the values. */
export interface BatchContext<
  Topic extends string = string,
  Headers extends StandardSchema | undefined = StandardSchema | undefined,
  State = unknown,
  On extends string = never,
  M extends Message = Message,
> extends Pick<MessageContext<Topic, Headers, State, On, M>, Shared> {
  /** The context of each message, in the order of the values. */
  readonly deliveries: readonly MessageContext<Topic, Headers, State, On, M>[];
  /** Aborts when the broker revokes one of the deliveries, when `timeoutMs` is over, and when the app stops. */
  readonly signal: AbortSignal;
}

/**
 * Does the work for a batch. It returns one outcome for all messages, or a list with one for each. Returning
 * nothing is `ack()`. After a throw, `onFailure` decides for each message.
 */
export type BatchHandler<Value, Context, DeadLetters extends boolean = boolean> = (
  values: readonly Value[],
  context: Context,
) => BatchResult<DeadLetters> | Promise<BatchResult<DeadLetters>>;

type BatchResult<DeadLetters extends boolean> =
  | HandlerResult<DeadLetters>
  | readonly HandlerResult<DeadLetters>[];

export function checkBatches(argument: string, given: unknown): void {
  if (given === undefined || typeof (given as Partial<Batches>)?.collect === "function") return;
  const expected = "what batches({ max, maxWaitMs }) gives";
  throw new InvalidArgumentError({ argument, expected, received: given });
}
