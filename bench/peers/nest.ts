import "reflect-metadata";
import { randomUUID } from "node:crypto";
import { Controller, type INestMicroservice, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  type ConsumerDeserializer,
  Ctx,
  EventPattern,
  type IncomingEvent,
  type MicroserviceOptions,
  Payload,
  type RmqContext,
  Transport,
} from "@nestjs/microservices";
import { connect as connectAmqp } from "amqplib";
import { clientOf, createTopic, partitions, removeTopics } from "../loops/kafka.ts";
import type { LoopContext, StreamLoop, Tally } from "../method/contract.ts";
import type { Order } from "../method/order.ts";

// Messages of other programs, as its documentation has it: what has neither pattern nor data is an event of the subject
// or topic it came by.

/** A controller with an `@EventPattern()`, on the NATS transport. */
export async function nats({ address }: LoopContext): Promise<StreamLoop> {
  return {
    async attach(name, tally) {
      const service = await listen(takeOn(name, tally), {
        transport: Transport.NATS,
        options: { servers: [address] },
      });
      await service.unwrap<{ flush(): Promise<void> }>().flush();
      return () => service.close();
    },
    close: async () => {},
  };
}

/** The same on the Kafka transport. */
export async function kafka({ address }: LoopContext): Promise<StreamLoop> {
  const admin = clientOf(address).admin();
  await admin.connect();
  const topics: string[] = [];
  return {
    lanes: partitions,
    async attach(name, tally) {
      const created = await createTopic(admin, name);
      const service = await listen(takeOn(name, tally), {
        transport: Transport.KAFKA,
        options: {
          client: { brokers: address.split(",") },
          consumer: { groupId: randomUUID(), maxWaitTimeInMs: 500 },
          subscribe: { fromBeginning: true },
        },
      });
      return async () => {
        await service.close();
        if (created) topics.push(name);
      };
    },
    close: () => removeTopics(admin, topics),
  };
}

function takeOn(name: string, tally: Tally): new () => object {
  @Controller()
  class Orders {
    @EventPattern(name)
    take(@Payload() order: object): void {
      tally.take((order as Order).sequence);
    }
  }
  return Orders;
}

/** The same on the RabbitMQ transport, with the acks it documents: one call in the handler. */
export async function rabbitMq({ address }: LoopContext): Promise<StreamLoop> {
  const connection = await connectAmqp(address);
  const channel = await connection.createChannel();
  return {
    async attach(name, tally) {
      const service = await listen(takeAndAck(name, tally), {
        transport: Transport.RMQ,
        options: {
          urls: [address],
          queue: name,
          exchange: name,
          exchangeType: "fanout",
          noAck: false,
          prefetchCount: 256,
          queueOptions: { durable: true, arguments: { "x-queue-type": "quorum" } },
          deserializer: new FromElsewhere(name),
        },
      });
      return async () => {
        await service.close();
        await channel.deleteQueue(name);
        await channel.deleteExchange(name);
      };
    },
    close: () => connection.close(),
  };
}

function takeAndAck(name: string, tally: Tally): new () => object {
  @Controller()
  class Orders {
    @EventPattern(name)
    take(@Payload() order: object, @Ctx() context: unknown): void {
      tally.take((order as Order).sequence);
      const delivery = context as RmqContext;
      delivery.getChannelRef().ack(delivery.getMessage());
    }
  }
  return Orders;
}

/** This transport has no topic to go by, so that a deserializer names the pattern. */
class FromElsewhere implements ConsumerDeserializer {
  readonly #pattern: string;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  deserialize(data: unknown): IncomingEvent {
    return { pattern: this.#pattern, data };
  }
}

async function listen(
  controller: new () => object,
  options: MicroserviceOptions,
): Promise<INestMicroservice> {
  @Module({ controllers: [controller] })
  class Service {}
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(Service, {
    ...options,
    logger: false,
  });
  await service.listen();
  return service;
}
