import * as amqplib from "amqplib";
import { expect, it } from "vitest";
import type {
  AmqpClient,
  ClientChannel,
  ClientConfirmChannel,
  ClientConnection,
} from "../../../src/brokers/amqp/client.ts";
import { loadAmqplib } from "../../../src/brokers/amqp/client.ts";

it("amqplib is what the subset says, to the compiler", () => {
  const client: AmqpClient = amqplib;
  const connection = (given: amqplib.ChannelModel): ClientConnection => given;
  const channel = (given: amqplib.Channel): ClientChannel => given;
  const confirming = (given: amqplib.ConfirmChannel): ClientConfirmChannel => given;
  expect([typeof client.connect, connection, channel, confirming]).toHaveLength(4);
});

it("is loaded when it is needed", async () => {
  expect((await loadAmqplib("rabbitmq")).connect).toBe(amqplib.connect);
});
