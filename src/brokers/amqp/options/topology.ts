import { checkCount, checkName } from "../../../traits/arguments.ts";
import { type OptionNames, optionNames } from "../../../traits/option-names.ts";
import type { AmqpTable } from "../client.ts";
import { checkMilliseconds, checkNames, checkShortName, refuse } from "./field-checks.ts";

/** "quorum": replicated, counts deliveries. "classic": on one node, does not count. */
export type QueueType = "quorum" | "classic";

/** The settings of a queue that tidelane creates. */
export interface QueueDeclaration {
  /**
   * Where a message goes that is dropped, expires, or was delivered too often. tidelane does not create that queue.
   * @default such a message is gone
   */
  readonly deadLetter?: DeadLetterDeclaration;
  /**
   * Quorum queues only: the server dead-letters a message after this many deliveries. Needs `deadLetter`. "server":
   * the server's own limit; from RabbitMQ 4.0 on it is 21, and then the message is gone. @default "unlimited"
   */
  readonly maxDeliveries?: number | "unlimited" | "server";
  /**
   * The server delivers to one consumer at a time. The next one takes over when that consumer is gone. @default
   * false
   */
  readonly singleActiveConsumer?: boolean;
  /** The most messages that the queue holds. @default no limit */
  readonly maxLength?: number;
  /** The most bytes of payload that the queue holds. @default no limit */
  readonly maxBytes?: number;
  /**
   * What the queue does at `maxLength` or `maxBytes`: refuse the new message, or drop the oldest one. @default
   * "reject-publish"
   */
  readonly overflow?: "reject-publish" | "drop-head";
  /** How long, in milliseconds, a message stays. Then the server drops or dead-letters it. @default never */
  readonly messageTtlMs?: number;
  /** How long, in milliseconds, an unused queue stays. Then the server deletes it. @default never */
  readonly expiresMs?: number;
  /** Classic queues only: how many priorities the queue has, 1 to 255. @default none */
  readonly maxPriority?: number;
  /** Classic queues only: the server deletes the queue with its last consumer. @default false */
  readonly autoDelete?: boolean;
  /** Any other argument of the server. It overrides the settings above. */
  readonly arguments?: AmqpTable;
}

/** Where a queue sends its dead letters. */
export interface DeadLetterDeclaration {
  /** The routing key of the dead letters. With the default exchange, the name of a queue. */
  readonly topic: string;
  /** The exchange that they go to. @default "", the one that leads to the queue of that name */
  readonly exchange?: string;
  /** Quorum queues only: the queue keeps the message until the dead letter queue has it. @default true */
  readonly atLeastOnce?: boolean;
}

const deadLetterNames = optionNames<DeadLetterDeclaration>()({
  topic: true,
  exchange: true,
  atLeastOnce: true,
});

const queueNames = {
  deadLetter: deadLetterNames,
  maxDeliveries: true,
  singleActiveConsumer: true,
  maxLength: true,
  maxBytes: true,
  overflow: true,
  messageTtlMs: true,
  expiresMs: true,
  maxPriority: true,
  autoDelete: true,
  arguments: true,
} as const;

export const queueDeclarationNames: OptionNames = optionNames<QueueDeclaration>()(queueNames);

/** A queue in `topology.queues`. */
export interface NamedQueueDeclaration extends QueueDeclaration {
  readonly name: string;
  /** The kind of the queue. @default "quorum" */
  readonly type?: QueueType;
}

const namedQueueNames = optionNames<NamedQueueDeclaration>()({ ...queueNames, name: true, type: true });

/** An exchange that tidelane declares. */
export interface ExchangeDeclaration {
  readonly name: string;
  /** One of the server's own types, or one of a plugin. */
  readonly type: "direct" | "topic" | "fanout" | "headers" | (string & {});
  /** Whether the exchange survives a restart of the server. @default true */
  readonly durable?: boolean;
  /** The server deletes the exchange with its last binding. @default false */
  readonly autoDelete?: boolean;
  /** The exchange takes messages only from other exchanges. @default false */
  readonly internal?: boolean;
  /** The exchange that gets the messages for which there is no binding. @default nowhere */
  readonly alternateExchange?: string;
  readonly arguments?: AmqpTable;
}

const exchangeNames = optionNames<ExchangeDeclaration>()({
  name: true,
  type: true,
  durable: true,
  autoDelete: true,
  internal: true,
  alternateExchange: true,
  arguments: true,
});

/** Binds a queue to an exchange. */
export interface QueueBinding {
  readonly exchange: string;
  /** The routing key, or a pattern on a topic exchange. @default "" */
  readonly routingKey?: string;
  readonly arguments?: AmqpTable;
}

const bindingNames = { exchange: true, routingKey: true, arguments: true } as const;

export const queueBindingNames: OptionNames = optionNames<QueueBinding>()(bindingNames);

/** Binds a queue, or another exchange, to an exchange. */
export type AmqpBinding = QueueBinding &
  (
    | { readonly queue: string; readonly toExchange?: never }
    | { readonly toExchange: string; readonly queue?: never }
  );

const topologyBindingNames = optionNames<AmqpBinding>()({ ...bindingNames, queue: true, toExchange: true });

/**
 * What tidelane declares on each connect: first the exchanges, then the queues, then the bindings. If one exists
 * with other settings, connecting fails.
 */
export interface AmqpTopology {
  readonly exchanges?: readonly ExchangeDeclaration[];
  readonly queues?: readonly NamedQueueDeclaration[];
  readonly bindings?: readonly AmqpBinding[];
}

export const topologyNames: OptionNames = optionNames<AmqpTopology>()({
  exchanges: true,
  queues: true,
  bindings: true,
});

/** `call` stands in errors, and `argument` is where in its options the topology is. */
export function checkTopology(
  call: string,
  argument: string,
  { exchanges, queues, bindings }: AmqpTopology,
): void {
  checkExchanges(call, `${argument}.exchanges`, exchanges ?? []);
  for (const [index, queue] of (queues ?? []).entries()) {
    const path = `${argument}.queues[${index}]`;
    checkNames(call, path, queue, namedQueueNames);
    checkShortName(`${path}.name`, queue.name);
    checkQueue(path, queue.type ?? "quorum", queue);
  }
  for (const [index, binding] of (bindings ?? []).entries()) {
    const path = `${argument}.bindings[${index}]`;
    checkNames(call, path, binding, topologyBindingNames);
    checkBinding(path, binding);
    checkShortName(
      `${path}.${binding.queue === undefined ? "toExchange" : "queue"}`,
      binding.queue ?? binding.toExchange,
    );
  }
}

export function checkExchanges(
  call: string,
  argument: string,
  exchanges: readonly ExchangeDeclaration[],
): void {
  for (const [index, exchange] of exchanges.entries()) {
    const path = `${argument}[${index}]`;
    const { name, type, alternateExchange } = exchange;
    checkNames(call, path, exchange, exchangeNames);
    checkShortName(`${path}.name`, name);
    checkName(`${path}.type`, type);
    if (alternateExchange !== undefined) checkShortName(`${path}.alternateExchange`, alternateExchange);
  }
}

export function checkBinding(argument: string, { exchange, routingKey = "" }: QueueBinding): void {
  checkShortName(`${argument}.exchange`, exchange);
  if (routingKey !== "") checkShortName(`${argument}.routingKey`, routingKey);
}

export function checkType(argument: string, type: unknown): void {
  if (type !== "quorum" && type !== "classic") refuse(argument, '"quorum" or "classic"', type);
}

export function checkQueue(argument: string, type: QueueType, queue: QueueDeclaration): void {
  checkType(`${argument}.type`, type);
  checkLimits(argument, queue);
  checkSetAside(argument, type, queue);
  if (type === "classic") return;
  const { maxPriority, autoDelete } = queue;
  if (maxPriority !== undefined) {
    refuse(`${argument}.maxPriority`, "left out, as only classic queues have it", maxPriority);
  }
  if (autoDelete === true) {
    refuse(`${argument}.autoDelete`, "left out, as only classic queues have it", autoDelete);
  }
}

function checkLimits(argument: string, queue: QueueDeclaration): void {
  const { maxLength, maxBytes, overflow, messageTtlMs, expiresMs, maxPriority } = queue;
  if (maxLength !== undefined) checkCount(`${argument}.maxLength`, maxLength, 0);
  if (maxBytes !== undefined) checkCount(`${argument}.maxBytes`, maxBytes, 0);
  if (overflow !== undefined && overflow !== "reject-publish" && overflow !== "drop-head") {
    refuse(`${argument}.overflow`, '"reject-publish" or "drop-head"', overflow);
  }
  if (messageTtlMs !== undefined) checkMilliseconds(`${argument}.messageTtlMs`, messageTtlMs);
  if (expiresMs !== undefined) checkMilliseconds(`${argument}.expiresMs`, expiresMs, 1);
  if (maxPriority !== undefined && checkCount(`${argument}.maxPriority`, maxPriority) > 255) {
    refuse(`${argument}.maxPriority`, "a whole number from 1 to 255", maxPriority);
  }
}

function checkSetAside(argument: string, type: QueueType, queue: QueueDeclaration): void {
  const { deadLetter, maxDeliveries = "unlimited", overflow } = queue;
  if (deadLetter !== undefined) {
    checkShortName(`${argument}.deadLetter.topic`, deadLetter.topic);
    if (deadLetter.exchange) checkShortName(`${argument}.deadLetter.exchange`, deadLetter.exchange);
    if (overflow === "drop-head" && type === "quorum" && deadLetter.atLeastOnce !== false) {
      const expected = '"reject-publish", or deadLetter.atLeastOnce false: the server does not have both';
      refuse(`${argument}.overflow`, expected, overflow);
    }
  }
  if (maxDeliveries === "unlimited" || maxDeliveries === "server") return;
  checkCount(`${argument}.maxDeliveries`, maxDeliveries);
  if (type === "classic") {
    refuse(`${argument}.maxDeliveries`, "left out, as a classic queue does not count", maxDeliveries);
  }
  if (deadLetter === undefined) {
    const expected =
      "given together with deadLetter, which says where a message goes after its last delivery";
    refuse(`${argument}.maxDeliveries`, expected, maxDeliveries);
  }
}
