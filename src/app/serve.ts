import { ActiveRun } from "../runtime/active-run.ts";
import type { CheckedPolicy } from "../runtime/failure-policy.ts";
import { by, byKey, type KeySelector } from "../runtime/key.ts";
import { compose } from "../runtime/middleware.ts";
import { type ErrorListener, Reporter, warn } from "../runtime/report.ts";
import type { Run } from "../runtime/run.ts";
import { isThenable } from "../runtime/thenable.ts";
import type { Clock } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";
import type { Publisher } from "../traits/publisher.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import type { Channel } from "./channel.ts";
import { DeliveryContext, type HandlerScope } from "./context.ts";
import type { SubscriptionPlan } from "./definition.ts";
import type { Environment } from "./environment.ts";
import { checkOnFailure } from "./on-failure.ts";
import type { Outbound } from "./outbound.ts";
import { type Asked, checkRpc } from "./rpc-parts.ts";
import { decoderFor } from "./wire.ts";

type Call = (value: unknown, context: DeliveryContext) => unknown;

/** Runs one subscription of an app over its subscriber. Its plan was checked when it was declared. */
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
  const { workers, batch, maxInFlight, timeoutMs, onTimeout } = plan;
  const onError = listenerOf(plan, environment);
  const { random = Math.random, clock = subscriber.clock ?? environment.clock } = environment.pipeline;
  const chain = compose<Message, unknown>(
    plan.middleware as never,
    callOf(plan, outbound, environment, onError, clock) as never,
  );
  // A message of a batch keeps a worker while the others come.
  const atOnce = workers * (batch?.max ?? 1);
  const { maxInFlight: most } = subscriber.capabilities;
  if (atOnce > most) {
    warn(`${plan.call}: its source delivers ${most} at once, not ${atOnce}. Raise its prefetch.`);
  }
  return new ActiveRun<Message, unknown>({
    subscriber,
    workers: atOnce,
    selector: selectorOf(plan),
    decode: decoderOf(plan, environment),
    signal: undefined,
    timeoutMs,
    onTimeout,
    maxInFlight: maxInFlight ?? Math.max(256, (batch ? 2 : 32) * atOnce),
    chain: {
      call: (value, delivery) => chain.call(value, new DeliveryContext(delivery, scope, value) as never),
      read: chain.read,
    },
    policy: policyFor(plan, subscriber, outbound, environment),
    clock,
    random,
    reporter: new Reporter(subscriber.topic, onError),
  });
}

/** A test hears of failures here, and not from the diagnostics channel, where it would take the warnings of other apps away. */
function listenerOf({ onError }: SubscriptionPlan, { observer }: Environment): ErrorListener | undefined {
  if (observer === undefined) return onError;
  return (report) => {
    observer.failed(report);
    return onError?.(report);
  };
}

function policyFor(
  plan: SubscriptionPlan,
  subscriber: Subscriber,
  outbound: Outbound,
  { observer }: Environment,
): CheckedPolicy {
  const { call, template, broker, onFailure, deadLetters: place } = plan;
  const publisher = place && outbound.publisher(place.on ?? broker, "app.subscribe", template.text);
  const policy = checkOnFailure(call, onFailure, place, subscriber.capabilities, publisher, subscriber);
  if (observer === undefined || publisher === undefined || place === undefined) return policy;
  const observed: Publisher = {
    capabilities: publisher.capabilities,
    publish: async (letter, options) => {
      await publisher.publish(letter, options);
      observer.setAside(plan, letter);
    },
  };
  return { ...policy, deadLetter: { topic: place.topic, publisher: observed } };
}

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

/** The handler, and all that stands between it and its middleware. */
function callOf(
  plan: SubscriptionPlan,
  outbound: Outbound,
  { observer }: Environment,
  onError: ErrorListener | undefined,
  clock: Clock,
): Call {
  const { rpc, replyTo, batch, workers: parallel } = plan;
  let call = plan.handler as Call;
  if (rpc) call = checkRpc(plan.call, rpc).answering(plan, rpc, call, outbound, onError) as Call;
  if (replyTo) call = replying(replyTo, call);
  if (batch) {
    const handler = call as never;
    const waiting = (change: number): void => observer?.waiting(change);
    call = batch.collect({ handler, parallel, clock, waiting });
  }
  return observer ? observed(call, observer) : call;
}

function replying(channel: Channel, call: Call): Call {
  return async (value, context) => {
    const reply: unknown = await call(value, context);
    if (reply !== undefined) await context.reply(channel, reply as never);
  };
}

function observed(call: Call, observer: NonNullable<Environment["observer"]>): Call {
  return (value, context) => {
    observer.handling(context.message);
    return call(value, context);
  };
}
