import { checkCount } from "../../../traits/arguments.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import { optionNames } from "../../../traits/option-names.ts";
import { checkMilliseconds, checkNames, checkShortName, refuse } from "./field-checks.ts";
import {
  checkBinding,
  checkExchanges,
  checkQueue,
  checkType,
  type ExchangeDeclaration,
  type QueueBinding,
  type QueueDeclaration,
  type QueueType,
  queueBindingNames,
  queueDeclarationNames,
} from "./topology.ts";

export const defaultMaxInFlight = 256;

interface ConsumerOptions {
  /**
   * The most deliveries that the subscription holds unsettled: the prefetch of its channel, 1 to 65,535. @default
   * 256
   */
  readonly maxInFlight?: number;
  /** Exchanges to declare before the queue. @default none */
  readonly exchanges?: readonly ExchangeDeclaration[];
}

/** Options of `amqpQueue(queue, options)` and of `connection.subscribe(queue, options)`. */
export interface AmqpQueueOptions extends ConsumerOptions {
  /** The kind of the queue. @default "quorum" */
  readonly type?: QueueType;
  /**
   * What to do if the queue is missing. `false`: the subscription fails. `true`: tidelane creates a durable queue
   * with the defaults. An object: tidelane creates it with these settings. If the queue exists with other settings,
   * the subscription fails, because tidelane never changes a queue. @default false
   */
  readonly create?: boolean | QueueDeclaration;
  /** Bindings that tidelane makes for the queue. Without any, messages come by the queue's name. */
  readonly bindings?: readonly QueueBinding[];
  /**
   * Delays, in milliseconds. For each one tidelane declares a queue `<queue>.delay.<ms>`, in which a message waits
   * after `nackAfter(ms)`. A message takes the shortest delay that is long enough. If there is none, this process
   * holds the delivery for the delay. @default none
   */
  readonly delaysMs?: readonly number[];
  /**
   * Says that the queue has a dead letter exchange, as by a policy. Only for a queue that exists, with `create:
   * false`. @default false
   */
  readonly deadLetters?: boolean;
  /** Classic queues only: nobody else may consume from the queue meanwhile. @default false */
  readonly exclusive?: boolean;
  /** The server delivers to consumers of a higher priority first. @default 0 */
  readonly priority?: number;
}

const consumerNames = { maxInFlight: true, exchanges: true } as const;

const queueOptionNames = optionNames<AmqpQueueOptions>()({
  ...consumerNames,
  type: true,
  create: queueDeclarationNames,
  bindings: true,
  delaysMs: true,
  deadLetters: true,
  exclusive: true,
  priority: true,
});

/** Options of `amqpExclusiveQueue(topic, options)` and of `connection.subscribeExclusive(topic, options)`. */
export interface AmqpExclusiveQueueOptions extends ConsumerOptions {
  /** The exchange that the queue is bound to. The topic is the routing key; on a topic exchange it may be a pattern. */
  readonly exchange: string;
}

const exclusiveQueueOptionNames = optionNames<AmqpExclusiveQueueOptions>()({
  ...consumerNames,
  exchange: true,
});

/** All there is to know of one subscription before it is opened. */
export interface SubscriptionSettings {
  readonly topic: string;
  /** Undefined: one that the server names, for this connection alone. */
  readonly queue: string | undefined;
  readonly type: QueueType;
  readonly create: QueueDeclaration | undefined;
  readonly exchanges: readonly ExchangeDeclaration[];
  readonly bindings: readonly QueueBinding[];
  readonly delaysMs: readonly number[];
  readonly consumer: { readonly exclusive: boolean; readonly priority: number };
  readonly capabilities: Capabilities;
}

/** `by` names the function that was called. */
export function checkQueueOptions(
  by: string,
  queue: string,
  options: AmqpQueueOptions,
): SubscriptionSettings {
  const argument = `${by}(queue)`;
  checkShortName(argument, queue);
  const call = `${by}(${JSON.stringify(queue)}, options)`;
  checkNames(call, "options", options, queueOptionNames);
  const { type = "quorum", bindings = [], delaysMs = [], priority = 0 } = options;
  const { exchanges = [], exclusive = false } = options;
  checkType("options.type", type);
  const create = checkCreate(type, options.create);
  checkExchanges(call, "options.exchanges", exchanges);
  for (const [index, binding] of bindings.entries()) {
    checkNames(call, `options.bindings[${index}]`, binding, queueBindingNames);
    checkBinding(`options.bindings[${index}]`, binding);
  }
  for (const [index, delayMs] of delaysMs.entries()) {
    checkMilliseconds(`options.delaysMs[${index}]`, delayMs, 1);
    checkShortName(argument, `${queue}.delay.${delayMs}`);
  }
  if (exclusive && type === "quorum") {
    const expected = "left out: a quorum queue ignores it, and has create.singleActiveConsumer in its place";
    refuse("options.exclusive", expected, exclusive);
  }
  if (!Number.isSafeInteger(priority)) refuse("options.priority", "a whole number", priority);
  return {
    topic: queue,
    queue,
    type,
    create,
    exchanges,
    bindings,
    delaysMs,
    consumer: { exclusive, priority },
    capabilities: {
      ...capabilities(options.maxInFlight),
      delayedRequeue: delaysMs.length > 0 ? "native" : "local",
      deliveryCount: type === "quorum" ? "broker" : "none",
      groups: bindings.length > 0,
      backlog: bindings.length === 0,
      deadLetter: create === undefined ? options.deadLetters === true : create.deadLetter !== undefined,
    },
  };
}

export function checkExclusiveQueueOptions(
  by: string,
  topic: string,
  options: AmqpExclusiveQueueOptions,
): SubscriptionSettings {
  checkShortName(`${by}(topic)`, topic);
  const call = `${by}(${JSON.stringify(topic)}, options)`;
  checkNames(call, "options", options, exclusiveQueueOptionNames);
  const { exchanges = [] } = options;
  checkExchanges(call, "options.exchanges", exchanges);
  const binding = { exchange: options.exchange, routingKey: topic };
  checkBinding("options", binding);
  return {
    topic,
    queue: undefined,
    type: "classic",
    create: undefined,
    exchanges,
    bindings: [binding],
    delaysMs: [],
    consumer: { exclusive: false, priority: 0 },
    capabilities: capabilities(options.maxInFlight),
  };
}

function capabilities(maxInFlight = defaultMaxInFlight): Capabilities {
  if (checkCount("options.maxInFlight", maxInFlight) > 65_535) {
    refuse("options.maxInFlight", "a whole number from 1 to 65,535", maxInFlight);
  }
  return {
    settlement: "ack",
    requeue: true,
    delayedRequeue: "local",
    deliveryCount: "none",
    order: "topic",
    partitionKey: true,
    groups: true,
    backlog: false,
    maxInFlight,
    deadLetter: false,
    batches: true,
    seek: false,
    pause: false,
  };
}

function checkCreate(type: QueueType, create: unknown): QueueDeclaration | undefined {
  if (create === undefined || create === false) return undefined;
  if (create === true) return {};
  if (typeof create !== "object" || create === null || Array.isArray(create)) {
    refuse("options.create", "true, false, or an object with the settings of the queue", create);
  }
  checkQueue("options.create", type, create);
  return create;
}
