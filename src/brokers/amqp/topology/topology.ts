import type { AmqpTable, ClientChannel, ServerVersion } from "../client.ts";
import type {
  AmqpTopology,
  ExchangeDeclaration,
  QueueBinding,
  QueueDeclaration,
  QueueType,
} from "../options/topology.ts";

/** Declares all of it, on a channel that a refusal closes. */
export async function declareTopology(
  channel: ClientChannel,
  { exchanges = [], queues = [], bindings = [] }: AmqpTopology,
  server: ServerVersion,
): Promise<void> {
  for (const exchange of exchanges) await declareExchange(channel, exchange);
  for (const { name, type = "quorum", ...queue } of queues) {
    await declareQueue(channel, name, type, queue, server);
  }
  for (const { queue, toExchange, exchange, routingKey = "", arguments: table } of bindings) {
    if (queue !== undefined) await channel.bindQueue(queue, exchange, routingKey, table);
    else await channel.bindExchange(toExchange, exchange, routingKey, table);
  }
}

export async function declareExchange(channel: ClientChannel, exchange: ExchangeDeclaration): Promise<void> {
  const { name, type, durable = true, autoDelete = false, internal = false } = exchange;
  await channel.assertExchange(name, type, {
    durable,
    autoDelete,
    internal,
    arguments: tableOf({ "alternate-exchange": exchange.alternateExchange }, exchange.arguments),
  });
}

export async function declareQueue(
  channel: ClientChannel,
  name: string,
  type: QueueType,
  queue: QueueDeclaration,
  server: ServerVersion,
): Promise<void> {
  const { autoDelete = false } = queue;
  await channel.assertQueue(name, {
    durable: true,
    autoDelete,
    arguments: queueArguments(type, queue, server),
  });
}

/** A queue of this connection alone, which goes with it. Gives its name. */
export async function declareExclusiveQueue(channel: ClientChannel): Promise<string> {
  const settings = { durable: false, exclusive: true, autoDelete: true, arguments: {} };
  return (await channel.assertQueue("", settings)).queue;
}

export async function bindQueue(
  channel: ClientChannel,
  queue: string,
  { exchange, routingKey = "", arguments: table }: QueueBinding,
): Promise<void> {
  await channel.bindQueue(queue, exchange, routingKey, table);
}

/** The arguments a queue is declared with. All of them must be the same whenever it is declared again. */
export function queueArguments(type: QueueType, queue: QueueDeclaration, server: ServerVersion): AmqpTable {
  const { deadLetter, maxLength, maxBytes } = queue;
  const keeps = type === "quorum" && deadLetter !== undefined && deadLetter.atLeastOnce !== false;
  const limited = maxLength !== undefined || maxBytes !== undefined;
  return tableOf(
    {
      "x-queue-type": type,
      "x-dead-letter-exchange": deadLetter && (deadLetter.exchange ?? ""),
      "x-dead-letter-routing-key": deadLetter?.topic,
      "x-dead-letter-strategy": keeps ? "at-least-once" : undefined,
      // The server wants this for dead-lettering at least once, also where the queue has no limit.
      "x-overflow": queue.overflow ?? (keeps || limited ? "reject-publish" : undefined),
      "x-delivery-limit": type === "quorum" ? deliveryLimit(queue.maxDeliveries, server) : undefined,
      "x-single-active-consumer": queue.singleActiveConsumer === true ? true : undefined,
      "x-max-length": maxLength,
      "x-max-length-bytes": maxBytes,
      "x-message-ttl": queue.messageTtlMs,
      "x-expires": queue.expiresMs,
      "x-max-priority": queue.maxPriority,
    },
    queue.arguments,
  );
}

/**
 * The server counts redeliveries. RabbitMQ 4 drops a message after 20 of them unless it is told -1, and RabbitMQ 3,
 * which has no limit by itself, takes -1 to drop at the first.
 */
function deliveryLimit(
  maxDeliveries: QueueDeclaration["maxDeliveries"],
  server: ServerVersion,
): number | undefined {
  if (typeof maxDeliveries === "number") return maxDeliveries - 1;
  if (maxDeliveries === "server") return undefined;
  return server.product === "RabbitMQ" && server.major >= 4 ? -1 : undefined;
}

function tableOf(entries: Record<string, unknown>, others: AmqpTable = {}): AmqpTable {
  const defined = Object.entries(entries).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries(defined), ...others };
}
