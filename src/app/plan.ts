import { checkCount, checkDuration, checkFunction, checkName } from "../traits/arguments.ts";
import type { Broker, SubscriptionSource } from "../traits/broker.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { InvalidArgumentError, NotSupportedError } from "../traits/errors.ts";
import { checkBatches } from "./batch.ts";
import { type Channel, callOf, templateOf } from "./channel.ts";
import {
  type AnyHandler,
  type AppDefinition,
  prefixed,
  type RouterPlan,
  type SubscriptionPlan,
} from "./definition.ts";
import { checkOnFailure, mergeOnFailure, placeOf } from "./on-failure.ts";
import {
  checkLayers,
  checkOptions,
  type GivenSubscriptionOptions,
  responderNames,
  subscriptionNames,
} from "./options.ts";
import type { Rpc } from "./request.ts";
import type { TopicTemplate } from "./topic-template.ts";

/** What a handler or a responder was declared with. */
export interface Declared {
  readonly channel: Channel;
  readonly rpc?: Rpc;
  readonly options: GivenSubscriptionOptions;
  readonly handler: AnyHandler;
}

/** Checks one declaration, against everything that is known before the app is connected. */
export function planSubscription(
  definition: AppDefinition,
  router: RouterPlan,
  { channel, rpc, options, handler }: Declared,
): SubscriptionPlan {
  const call = rpc ? callOf("app.respond", "rpc", rpc) : callOf("app.subscribe", "channel", channel);
  checkOptions(`${call}: options`, options, rpc ? responderNames : subscriptionNames);
  checkFunction(`${call}: handler`, handler);
  const { on, timeoutMs, maxInFlight, batch, onTimeout = "wait", onError = definition.onError } = options;
  const broker = definition.brokerName(`${call}: on`, on);
  const template = prefixed(`${call}: channel`, router.prefix, channel);
  const { middleware = [], publishMiddleware = [] } = options;
  checkLayers(call, "middleware", middleware);
  checkLayers(call, "publishMiddleware", publishMiddleware);
  const { source, group } = sourceFor(call, definition, broker, template, rpc !== undefined, {
    group: options.group ?? (options.source === undefined ? router.group : undefined),
    source: options.source,
  });
  const workers = checkCount(`${call}: workers`, options.workers ?? router.workers);
  if (onTimeout !== "wait" && onTimeout !== "abandon") {
    const expected = '"wait" or "abandon"';
    throw new InvalidArgumentError({ argument: `${call}: onTimeout`, expected, received: onTimeout });
  }
  checkBatches(`${call}: batch`, batch);
  const atOnce = workers * (batch?.max ?? 1);
  if (maxInFlight !== undefined) checkCount(`${call}: maxInFlight`, maxInFlight, atOnce, true);
  if (timeoutMs !== undefined) checkDuration(`${call}: timeoutMs`, timeoutMs);
  const onFailure = mergeOnFailure(call, rpc ? undefined : router.onFailure, options.onFailure) ?? {};
  const deadLetters = placeOf(call, onFailure, router.prefix);
  if (deadLetters?.on !== undefined) {
    definition.brokerName(`${call}: onFailure.deadLetter.on`, deadLetters.on);
  }
  checkOnFailure(call, onFailure, deadLetters, source.capabilities);
  const plan: SubscriptionPlan = {
    call,
    channel,
    rpc,
    template,
    prefix: router.prefix,
    broker,
    group,
    source,
    ownSource: options.source !== undefined,
    workers,
    maxInFlight,
    timeoutMs,
    onTimeout,
    batch,
    replyTo: checkReplyTo(`${call}: replyTo`, options),
    onFailure,
    deadLetters,
    middleware: [...router.middleware, ...middleware],
    publishMiddleware: [...router.publishMiddleware, ...publishMiddleware],
    onError,
    handler,
  };
  checkAlone(definition, plan);
  definition.register(call, broker, template, channel);
  return plan;
}

function sourceFor(
  call: string,
  definition: AppDefinition,
  broker: string,
  template: TopicTemplate,
  responds: boolean,
  { group, source }: Pick<GivenSubscriptionOptions, "group" | "source">,
): { readonly source: SubscriptionSource; readonly group: string | undefined } {
  if (source !== undefined) {
    if (typeof source?.open !== "function" || typeof source.capabilities !== "object") {
      const expected = "a source of the broker, as jetStreamSource(...) and its like give one";
      throw new InvalidArgumentError({ argument: `${call}: source`, expected, received: source });
    }
    if (group === undefined) return { source, group };
    const expected = "left out where source is given: the source says its group";
    throw new InvalidArgumentError({ argument: `${call}: group`, expected, received: group });
  }
  if (group !== undefined) checkName(`${call}: group`, group);
  const at = definition.broker(broker);
  const usual = usualSource(at, template, group);
  if (group !== undefined || !responds || !usual.capabilities.groups) return { source: usual, group };
  // Each request has one answer, however many instances of the app there are.
  const shared = definition.name.replace(/[^\w-]+/g, "-");
  return { source: usualSource(at, template, shared), group: shared };
}

function checkReplyTo(argument: string, { replyTo, batch }: GivenSubscriptionOptions): Channel | undefined {
  if (replyTo === undefined) return undefined;
  const { params, text } = templateOf(argument, replyTo);
  if (params.length === 0 && batch === undefined) return replyTo;
  const expected = batch ? "left out beside batch" : "a channel without parameters";
  throw new InvalidArgumentError({ argument, expected, received: text });
}

/** The broker's own source for a topic, or for the pattern of one with parameters. */
export function usualSource(
  broker: Broker,
  template: TopicTemplate,
  group: string | undefined,
): SubscriptionSource {
  const pattern = template.params.length > 0;
  if (broker.source !== undefined) {
    return broker.source(template.pattern, { group, ...(pattern ? { pattern } : {}) });
  }
  throw new NotSupportedError({
    capability: `Subscribing to "${template.text}" by name`,
    reason: `the broker "${broker.name}" has no usual source; pass one of its own as { source }`,
  });
}

/** Two handlers that would share their messages: each would see only some of them, and nobody would say so. */
function checkAlone(definition: AppDefinition, plan: SubscriptionPlan): void {
  for (const other of definition.subscriptions) {
    if (other.broker !== plan.broker) continue;
    if (!plan.ownSource && other.template.text !== plan.template.text) continue;
    if (plan.ownSource ? other.source !== plan.source : other.ownSource) continue;
    if (plan.ownSource || other.group === plan.group) refuseShared(plan, plan.source.capabilities);
  }
}

function refuseShared({ call, group, ownSource }: SubscriptionPlan, { groups }: Capabilities): void {
  // Without a group each subscription gets its own copy, on a broker that makes copies.
  if (!ownSource && group === undefined && groups) return;
  const what = ownSource ? "source" : "group";
  const expected = groups
    ? `another ${what} than that of an earlier handler: two handlers of one ${what} share its messages, so each misses some`
    : "declared once: two handlers of one queue share its messages. Dispatch in one handler";
  throw new InvalidArgumentError({
    argument: `${call}: ${what}`,
    expected,
    received: ownSource ? "the same source" : group,
  });
}
