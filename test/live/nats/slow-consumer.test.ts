import { jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNatsIo } from "@nats-io/transport-node";
import { describe, expect, it, onTestFinished } from "vitest";
import { run } from "../../../scripts/steps.ts";
import { describeLive } from "../describe-live.ts";
import type { Growth } from "../handle-slowly.ts";
import { clientNames, connect, fresh, numbers, stream } from "./stage.ts";

const waiting = 200_000;
const warmUp = 4_000;
const handled = 20_000;

await describeLive(
  "nats",
  "a slow consumer",
  (server) => {
    describe.each(clientNames)("over %s", (client) => {
      it("holds 64 of 200,000 messages, and no more memory", { timeout: 180_000 }, async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const topic = `${name}.a`;
        const group = { group: "slow", from: "start" } as const;
        await (await connection.subscribe(topic, { ...group, maxAckPending: 64 })).close();
        const publisher = connection.publisher();
        const payload = new Uint8Array(1_024);
        for (let sent = 0; sent < waiting; sent += 4_000) {
          const batch = Array.from({ length: 4_000 }, (_, index) => `key-${(sent + index) % 1_000}`);
          await Promise.all(batch.map((key) => publisher.publish({ topic, payload, key })));
        }
        const theirs = await connectNatsIo({ servers: server.address });
        onTestFinished(() => theirs.close());
        const manager = await jetstreamManager(theirs);
        expect((await manager.consumers.info(name, "slow")).num_pending).toBe(waiting);

        const script = "test/live/nats/slow-consumer-process.ts";
        const finished = { yet: false };
        const consuming = run([
          process.execPath,
          ...["--expose-gc", "--import", "tsx", script],
          ...[server.address, client, topic, String(warmUp), String(handled)],
        ]).finally(() => {
          finished.yet = true;
        });
        const unacked: number[] = [];
        while (!finished.yet) unacked.push((await manager.consumers.info(name, "slow")).num_ack_pending);
        const { code, output } = await consuming;
        expect(code, output).toBe(0);
        const growth = JSON.parse(output) as Growth;
        console.log(`${client}: ${output.trim()}, ${Math.max(...unacked)} unacked on the server at most`);
        expect(growth.handled).toBeGreaterThanOrEqual(handled);
        expect(growth.peakInFlight).toBeLessThanOrEqual(64);
        expect(growth.grewMiB).toBeLessThan(64);
        expect(unacked.length).toBeGreaterThan(100);
        expect(Math.max(...unacked)).toBeLessThanOrEqual(64);
        const left = await manager.consumers.info(name, "slow");
        expect(left.num_pending + left.num_ack_pending).toBe(waiting - growth.handled);
        await manager.streams.delete(name);
      });
    });

    it("of subjects, which cannot wait, keeps what fits and counts the rest", async () => {
      const connection = (await connect(server, "nats")).core;
      const topic = fresh("core");
      const subscriber = await connection.subscribe(topic, { inbox: { maxMessages: 1_000 } });
      const publisher = connection.publisher({ confirm: true });
      for (let sent = 0; sent < 20_000; sent += 2_000) {
        await Promise.all(numbers(2_000, sent).map((payload) => publisher.publish({ topic, payload })));
      }
      expect(subscriber[Symbol.asyncIterator]().takeReady?.(Number.POSITIVE_INFINITY)).toHaveLength(1_000);
      expect(subscriber.dropped).toBe(19_000);
    });
  },
  { own: true },
);
