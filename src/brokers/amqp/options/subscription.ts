import { checkCount } from "../../../traits/arguments.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import { optionNames } from "../../../traits/option-names.ts";
import { aBoolean, aList, checkShapes } from "../../shared/option-shapes.ts";
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
  /** Deliveries held unsettled at most; the server sends no more (its prefetch). 1 to 65,535. @default 256 */
  readonly maxInFlight?: number;
  /** Declared before the queue. @default none */
  readonly exchanges?: readonly ExchangeDeclaration[];
}

export interface AmqpQueueOptions extends ConsumerOptions {
  /** What kind of queue it is, or is made as. @default "quorum" */
  readonly type?: QueueType;
  /**
   * Makes the queue where it is missing, durable, with these settings; `true`: with the defaults. `false`: a queue that is
   * missing is an error. @default false
   */
  readonly create?: boolean | QueueDeclaration;
  /** From where messages come into the queue, besides by its name. */
  readonly bindings?: readonly QueueBinding[];
  /**
   * Declares a queue for each of these durations, `<queue>.delay.<ms>`, where a message waits that is retried later: it
   * takes the shortest that is long enough. Without, or when none is, it is held here. @default none
   */
  readonly delaysMs?: readonly number[];
  /** That the queue, when `create` is false, has a dead letter exchange, as by a policy. @default false */
  readonly deadLetters?: boolean;
  /** Of a classic queue: nobody else may consume from it meanwhile. @default false */
  readonly exclusive?: boolean;
  /** Consumers of a higher one are served first. @default 0 */
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

export interface AmqpExclusiveQueueOptions extends ConsumerOptions {
  /** The exchange it is bound to, with the topic as routing key, or as pattern on a topic exchange. */
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
  checkShapes("options", options, {
    exchanges: aList,
    bindings: aList,
    delaysMs: aList,
    deadLetters: aBoolean,
    exclusive: aBoolean,
  });
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
  checkShapes("options", options, { exchanges: aList });
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
