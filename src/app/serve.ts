import type { HandlerContext } from "../runtime/delivery.ts";
import { by, byKey, type KeySelector } from "../runtime/key.ts";
import { compose } from "../runtime/middleware.ts";
import type { MiddlewareOutcome } from "../runtime/outcome.ts";
import { type Handler, pipeline } from "../runtime/pipeline.ts";
import type { ErrorListener } from "../runtime/report.ts";
import type { Run } from "../runtime/run.ts";
import { isThenable } from "../runtime/thenable.ts";
import type { Clock } from "../traits/clock.ts";
import { ConnectionClosedError, isTidelaneError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Publisher, PublishOptions } from "../traits/publisher.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { DeliveryContext, type HandlerScope } from "./context.ts";
import type { SubscriptionPlan } from "./definition.ts";
import type { Environment } from "./environment.ts";
import { policyOf } from "./on-failure.ts";
import type { Outbound } from "./outbound.ts";
import { type Asked, checkRpc } from "./rpc-parts.ts";
import { decoderFor } from "./wire.ts";

type Call = (value: unknown, context: DeliveryContext) => unknown;

/** Runs one subscription of an app over its subscriber: the plan as a pipeline. */
export function serve(
  plan: SubscriptionPlan,
  subscriber: Subscriber,
  state: unknown,
  outbound: Outbound,
  environment: Environment,
): Run {
  const { channel, template, broker, prefix, publishMiddleware: layers } = plan;
  const scope: HandlerScope = {
    channel,
    template,
    state,
    ...outbound.of({ broker, prefix, layers, from: plan }),
  };
  const { workers, batch, maxInFlight, timeoutMs, onTimeout, onFailure, deadLetters } = plan;
  const onError = listenerOf(plan, environment);
  const decoded = pipeline(subscriber, {
    ...environment.pipeline,
    ...(onError === undefined ? {} : { onError }),
  }).decode({ contentType: channel.codec.contentType, decode: decoderOf(plan, environment), encode });
  const { handler, middleware } = around(plan, scope, outbound, environment, {
    onError,
    clock: environment.pipeline.clock ?? subscriber.clock ?? environment.clock,
  });
  // The types of a step that may be there or not: what comes after it is the same.
  const wrapped = middleware === undefined ? decoded : (decoded.use(middleware) as typeof decoded);
  // A message of a batch keeps a worker while the others come.
  const atOnce = workers * (batch?.max ?? 1);
  const most = maxInFlight ?? (batch && Math.max(256, 2 * atOnce));
  return wrapped
    .workers(atOnce, selectorOf(plan), most === undefined ? {} : { maxInFlight: most })
    .onFailure(policyOf(onFailure, deadLetters, deadLetterPublisher(plan, outbound, environment)))
    .handle(handler, { onTimeout, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
}

/** A test hears of failures here, and not from the diagnostics channel, where it would take the warnings of other apps away. */
function listenerOf({ onError }: SubscriptionPlan, { observer }: Environment): ErrorListener | undefined {
  if (observer === undefined) return onError;
  return (report) => {
    observer.failed(report);
    return onError?.(report);
  };
}

function deadLetterPublisher(
  plan: SubscriptionPlan,
  outbound: Outbound,
  { observer }: Environment,
): Publisher | undefined {
  if (plan.deadLetters === undefined) return undefined;
  const { template, deadLetters } = plan;
  const publisher = outbound.publisher(deadLetters.on ?? plan.broker, "app.subscribe", template.text);
  const checkTopic = async (topic: string, options?: PublishOptions): Promise<void> => {
    try {
      await publisher.checkTopic?.(topic, options);
    } catch (error) {
      if (!isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED")) throw error;
      const during = `Asking whether dead letters of "${template.text}" can go to "${topic}"`;
      throw new ConnectionClosedError({
        broker: (error as ConnectionClosedError).broker,
        during,
        cause: error,
      });
    }
  };
  if (observer === undefined) {
    const publish: Publisher["publish"] = (letter, options) => publisher.publish(letter, options);
    return { capabilities: publisher.capabilities, publish, checkTopic };
  }
  return {
    capabilities: publisher.capabilities,
    publish: async (letter, options) => {
      await publisher.publish(letter, options);
      observer.setAside(plan, letter);
    },
  };
}

/** A subscription never encodes. */
const encode = (): Uint8Array => new Uint8Array();

function decoderOf(plan: SubscriptionPlan, { observer }: Environment): (message: Message) => unknown {
  const { channel, template } = plan;
  const decode = plan.rpc
    ? checkRpc(plan.call, plan.rpc).askedDecoder(channel, template)
    : decoderFor(channel, template);
  if (observer === undefined) return decode;
  return (message) => {
    observer.arrived(plan, message);
    const tell = (decoded: unknown): unknown => {
      observer.decoded(message, plan.rpc ? (decoded as Asked).value : decoded);
      return decoded;
    };
    const decoded = decode(message);
    return isThenable(decoded) ? Promise.resolve(decoded).then(tell) : tell(decoded);
  };
}

/** The lane of a delivery: by the key of the channel, or else by the one its message carries. */
function selectorOf({ channel: { key }, rpc }: SubscriptionPlan): KeySelector<unknown> {
  if (key === undefined) return byKey;
  if (rpc === undefined) return by((value) => checkedKey(key(value)));
  return by((asked) => ("value" in (asked as Asked) ? checkedKey(key((asked as Asked).value)) : undefined));
}

/** No key is a message without order, and the channel promises one. */
function checkedKey(key: unknown): string {
  if (typeof key === "string") return key;
  throw new TypeError(`the key of a channel is a string, and this is ${key === null ? "null" : typeof key}`);
}

interface Around {
  readonly handler: Handler<Message, unknown, boolean>;
  /** With middleware, the whole chain is one middleware of the pipeline: the context is made once. */
  readonly middleware: ((context: HandlerContext & { readonly value: unknown }) => Answer) | undefined;
}

type Answer = MiddlewareOutcome | Promise<MiddlewareOutcome>;

function around(
  plan: SubscriptionPlan,
  scope: HandlerScope,
  outbound: Outbound,
  { observer }: Environment,
  { onError, clock }: { readonly onError: ErrorListener | undefined; readonly clock: Clock },
): Around {
  let call = plan.handler as Call;
  if (plan.rpc)
    call = checkRpc(plan.call, plan.rpc).answering(plan, plan.rpc, call, outbound, onError) as Call;
  const { middleware: layers, batch, workers: parallel } = plan;
  if (batch !== undefined) {
    const handler = call as never;
    const waiting = (change: number): void => observer?.waiting(change);
    call = batch.collect({ handler, parallel, clock, waiting });
  }
  const inside = observer === undefined ? call : observed(call, observer);
  if (layers.length === 0) {
    const handler = (value: unknown, delivery: HandlerContext): unknown =>
      inside(value, new DeliveryContext(delivery, scope, value));
    return { handler: handler as Around["handler"], middleware: undefined };
  }
  const chain = compose<Message, unknown>(layers as never, inside as never);
  const middleware = (delivery: HandlerContext & { readonly value: unknown }): Answer =>
    chain.call(delivery.value, new DeliveryContext(delivery, scope, delivery.value) as never) as Answer;
  return { handler: () => undefined, middleware };
}

function observed(call: Call, observer: NonNullable<Environment["observer"]>): Call {
  return (value, context) => {
    observer.handling(context.message);
    return call(value, context);
  };
}
