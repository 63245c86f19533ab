import type { Socket } from "node:net";
import * as amqplib from "amqplib";
import {
  AmqpBroker,
  type AmqpConnection,
  amqpExclusiveQueue,
  amqpQueue,
  type QueueDeclaration,
} from "tidelane/amqp";
import type { Fixture, SourceOptions } from "tidelane/conformance";

export interface RabbitmqFixtureOptions {
  readonly address: string;
  /** "restored": a connection that is killed comes back by itself; "closed": it stays away. @default "restored" */
  readonly afterKill?: "restored" | "closed";
  /** @default "quorum" */
  readonly type?: "quorum" | "classic";
}

const exchange = "tidelane.conformance";

/** RabbitMQ under the laws: a topic is a routing key of one exchange, and a group is a queue that is bound to it. */
export function rabbitmqFixture({
  address,
  afterKill = "restored",
  type = "quorum",
}: RabbitmqFixtureOptions): Fixture<AmqpConnection> {
  const sockets = new WeakMap<AmqpConnection, () => void>();
  const { username, password } = new URL(address);
  return {
    name: "rabbitmq",
    time: "real",
    broker: ({ clock }) => ({
      name: "rabbitmq",
      connect: async (options) => {
        let current: amqplib.ChannelModel | undefined;
        const broker = new AmqpBroker({
          url: address,
          clock,
          client: {
            connect: async (target, socket) => {
              current = await amqplib.connect(target, socket);
              return current;
            },
          },
          topology: { exchanges: [{ name: exchange, type: "topic" }] },
          // A message published before a group has its queue reaches no queue.
          publish: { exchange, mandatory: false },
          maxPayloadBytes: 100_000,
          reconnect: afterKill === "restored" ? { initialMs: 20, maxMs: 200 } : false,
        });
        const connection = await broker.connect(options);
        sockets.set(connection, () => current && breakSocket(current));
        return connection;
      },
    }),
    source: (topic, options) => source(topic, options, type),
    patternSource: (pattern, options) => source(pattern, options, type),
    patterns: { separator: ".", one: "*" },
    kill: async (connection) => {
      sockets.get(connection)?.();
      while (connection.state === "open") await new Promise((resolve) => setImmediate(resolve));
    },
    // RabbitMQ may route to a queue before its leader takes writes, and refuses a confirm until it does.
    refusesWhileOpening: true,
    timings: { arrivalMs: 5_000, stepMs: 80, closeMs: 10_000 },
    gaps: {
      "dead-letter":
        "RabbitMQ does not say how often it delivered a dead letter; dead letters of a pipeline say that too",
    },
    secrets: [username, password],
  };
}

/** The queues expire, so that they are gone some time after their history. */
function source(
  topic: string,
  { group, maxInFlight, deadLetter }: SourceOptions,
  type: "quorum" | "classic",
): ReturnType<Fixture<AmqpConnection>["source"]> {
  const bound = maxInFlight === undefined ? {} : { maxInFlight };
  if (group === undefined) return amqpExclusiveQueue(topic, { exchange, ...bound });
  const create: QueueDeclaration = {
    expiresMs: 120_000,
    ...(deadLetter && {
      deadLetter: { topic: deadLetter.topic, exchange },
      // A classic queue has no word for it: it does not count.
      ...(deadLetter.maxDeliveries !== undefined &&
        type === "quorum" && { maxDeliveries: deadLetter.maxDeliveries }),
    }),
  };
  return amqpQueue(`${topic}.${group}`, {
    type,
    create,
    bindings: [{ exchange, routingKey: topic }],
    ...bound,
  });
}

/** As when the network breaks, and the client learns of it in the same moment: there is no goodbye in the protocol. */
function breakSocket(model: amqplib.ChannelModel): void {
  const { stream, onSocketError } = model.connection as unknown as {
    readonly stream: Socket;
    onSocketError(error: Error): void;
  };
  const error = new Error("killed");
  onSocketError.call(model.connection, error);
  stream.destroy(error);
}
