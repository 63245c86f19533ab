import { Socket } from "node:net";
import * as amqplib from "amqplib";
import type { AmqpClient } from "tidelane/amqp";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { connect, fresh, open } from "./stage.ts";

/** The client, and a counter of writes to its socket. */
function watched() {
  const count = { writes: 0, sockets: 0 };
  const client: AmqpClient = {
    async connect(...args) {
      const connection = await (amqplib as AmqpClient).connect(...args);
      const { stream } = connection.connection;
      if (!(stream instanceof Socket)) return connection;
      count.sockets += 1;
      for (const name of ["_write", "_writev"] as const) {
        const write = stream[name]?.bind(stream) as (...given: unknown[]) => void;
        stream[name] = (...given: unknown[]) => {
          count.writes += 1;
          write(...given);
        };
      }
      return connection;
    },
  };
  return { client, count };
}

await describeLive("rabbitmq", "writes to RabbitMQ", (server) => {
  it("are one for all that is published in a turn", async () => {
    const { client, count } = watched();
    const connection = await connect(server, { client });
    expect(count.sockets).toBe(1);
    const topic = fresh("writes");
    await open(connection, topic, { maxInFlight: 1 });
    const publisher = connection.publisher();
    const message = { topic, payload: "x".repeat(512) };
    await publisher.publish(message);
    const before = count.writes;
    await Promise.all(Array.from({ length: 256 }, () => publisher.publish(message)));
    // A heartbeat belongs to no channel, and may come between.
    expect(count.writes - before).toBeLessThanOrEqual(2);
  });
});
