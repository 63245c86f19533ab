import "reflect-metadata";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  Ctx,
  EventPattern,
  type MicroserviceOptions,
  Payload,
  type RmqContext,
  Transport,
} from "@nestjs/microservices";
import { Handler } from "../parts/handler.ts";
import { nestPattern } from "../parts/nest-pattern.ts";
import type { Order } from "../parts/scenario.ts";
import { readSite } from "../parts/site.ts";

// https://docs.nestjs.com/microservices/rabbitmq: `noAck: false` with an ack from the handler, and `prefetchCount`. By default
// the server takes a message for acked as soon as it has sent it, so a kill would lose what the process held. The page says
// nothing of failures, so the handler requeues them by the channel that the page shows how to get. The delivery limit and the
// dead letter exchange of the queue end the attempts.
const site = readSite();
const handler = new Handler(site.journal);

@Controller()
class Orders {
  @EventPattern(nestPattern)
  async take(@Payload() order: Order, @Ctx() context: RmqContext): Promise<void> {
    const channel = context.getChannelRef();
    const message = context.getMessage();
    try {
      await handler.handle(order);
      channel.ack(message);
    } catch {
      channel.reject(message, true);
    }
  }
}

@Module({ controllers: [Orders] })
class Service {}

const service = await NestFactory.createMicroservice<MicroserviceOptions>(Service, {
  logger: ["error"],
  transport: Transport.RMQ,
  options: {
    urls: [site.address],
    queue: site.queue,
    noAck: false,
    prefetchCount: site.workers,
    // The queue is there already, with arguments that this service would else have to repeat.
    noAssert: true,
  },
});
await service.listen();
