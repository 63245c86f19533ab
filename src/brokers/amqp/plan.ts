import { checkCount } from "../../traits/arguments.ts";
import type { Capabilities } from "../../traits/capabilities.ts";
import { checkMilliseconds, checkShortName, refuse } from "./checks.ts";
import {
  checkBinding,
  checkExchange,
  checkQueue,
  checkType,
  type ExchangeDeclaration,
  type QueueBinding,
  type QueueDeclaration,
  type QueueType,
} from "./declarations.ts";

export const defaultMaxInFlight = 256;

interface ConsumerOptions {
  /** Deliveries held unsettled at most; the server sends no more (its prefetch). 1 to 65,535. @default 256 */
  readonly maxInFlight?: number;
  /** Declared before the queue. @default none */
  readonly exchanges?: readonly ExchangeDeclaration[];
}

export interface AmqpQueueOptions extends ConsumerOptions {
  /** What kind of queue it is, or is declared as. @default "quorum" */
  readonly type?: QueueType;
  /** Declares the queue, durable; without, it has to be there. @default false */
  readonly declare?: boolean | QueueDeclaration;
  /** From where messages come into the queue, besides by its name. */
  readonly bindings?: readonly QueueBinding[];
  /**
   * Declares a queue for each of these durations, `<queue>.delay.<ms>`, where a message waits that is retried later: it
   * takes the shortest that is long enough. Without, or when none is, it is held here. @default none
   */
  readonly delaysMs?: readonly number[];
  /** That the queue, when not declared here, has a dead letter exchange, as by a policy. @default false */
  readonly deadLetters?: boolean;
  /** Of a classic queue: nobody else may consume from it meanwhile. @default false */
  readonly exclusive?: boolean;
  /** Consumers of a higher one are served first. @default 0 */
  readonly priority?: number;
}

export interface AmqpExclusiveQueueOptions extends ConsumerOptions {
  /** The exchange it is bound to, with the topic as routing key, or as pattern on a topic exchange. */
  readonly exchange: string;
}

/** All there is to know of one subscription before it is opened. */
export interface Plan {
  readonly topic: string;
  /** Undefined: one that the server names, for this connection alone. */
  readonly queue: string | undefined;
  readonly type: QueueType;
  readonly declare: QueueDeclaration | undefined;
  readonly exchanges: readonly ExchangeDeclaration[];
  readonly bindings: readonly QueueBinding[];
  readonly delaysMs: readonly number[];
  readonly consumer: { readonly exclusive: boolean; readonly priority: number };
  readonly capabilities: Capabilities;
}

export function planQueue(argument: string, queue: string, options: AmqpQueueOptions): Plan {
  checkShortName(argument, queue);
  const { type = "quorum", declare = false, bindings = [], delaysMs = [], priority = 0 } = options;
  const { exchanges = [], exclusive = false } = options;
  checkType("options.type", type);
  const declaration = declare === true ? {} : declare === false ? undefined : declare;
  if (declaration !== undefined) checkQueue("options.declare", type, declaration);
  for (const [index, binding] of bindings.entries()) checkBinding(`options.bindings[${index}]`, binding);
  for (const [index, delayMs] of delaysMs.entries()) {
    checkMilliseconds(`options.delaysMs[${index}]`, delayMs, 1);
    checkShortName(argument, `${queue}.delay.${delayMs}`);
  }
  if (exclusive && type === "quorum") {
    const expected = "left out: a quorum queue ignores it, and has declare.singleActiveConsumer in its place";
    refuse("options.exclusive", expected, exclusive);
  }
  if (!Number.isSafeInteger(priority)) refuse("options.priority", "a whole number", priority);
  return {
    topic: queue,
    queue,
    type,
    declare: declaration,
    exchanges: checkExchanges(exchanges),
    bindings,
    delaysMs,
    consumer: { exclusive, priority },
    capabilities: {
      ...capabilities(options.maxInFlight),
      delayedRequeue: delaysMs.length > 0 ? "native" : "local",
      deliveryCount: type === "quorum" ? "broker" : "none",
      groups: bindings.length > 0,
      backlog: bindings.length === 0,
      deadLetter:
        declaration === undefined ? options.deadLetters === true : declaration.deadLetter !== undefined,
    },
  };
}

export function planExclusiveQueue(
  argument: string,
  topic: string,
  options: AmqpExclusiveQueueOptions,
): Plan {
  checkShortName(argument, topic);
  const binding = { exchange: options.exchange, routingKey: topic };
  checkBinding("options", binding);
  return {
    topic,
    queue: undefined,
    type: "classic",
    declare: undefined,
    exchanges: checkExchanges(options.exchanges ?? []),
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

function checkExchanges(exchanges: readonly ExchangeDeclaration[]): readonly ExchangeDeclaration[] {
  for (const [index, exchange] of exchanges.entries()) checkExchange(`options.exchanges[${index}]`, exchange);
  return exchanges;
}
