import { connect as connectRaw } from "amqplib";
import { expect, it, onTestFinished } from "vitest";
import { run } from "../../../scripts/steps.ts";
import { describeLive } from "../describe-live.ts";
import type { Growth } from "../handle-slowly.ts";
import { askServer } from "./ask-server.ts";
import { connect, fresh, open } from "./stage.ts";

const waiting = 200_000;
const inFlight = 64;
const warmUp = 4_000;
const handled = 20_000;

await describeLive(
  "rabbitmq",
  "a slow consumer",
  (server) => {
    it("holds 64 of 200,000 messages, and no more memory", { timeout: 240_000 }, async () => {
      const connection = await connect(server);
      const queue = fresh("slow");
      await (await open(connection, queue)).close();
      const publisher = connection.publisher();
      const payload = new Uint8Array(1_024);
      for (let sent = 0; sent < waiting; sent += 4_000) {
        const batch = Array.from({ length: 4_000 }, (_, index) => `key-${(sent + index) % 1_000}`);
        await Promise.all(batch.map((key) => publisher.publish({ topic: queue, payload, key })));
      }
      const raw = await connectRaw(server.address);
      onTestFinished(() => raw.close());
      const channel = await raw.createChannel();
      const ready = async (): Promise<number> => (await channel.checkQueue(queue)).messageCount;
      expect(await ready()).toBe(waiting);

      const script = "test/live/amqp/slow-consumer-process.ts";
      const finished = { yet: false };
      const consuming = run([
        process.execPath,
        ...["--expose-gc", "--import", "tsx", script],
        ...[server.address, queue, ...[inFlight, warmUp, handled].map(String)],
      ]).finally(() => {
        finished.yet = true;
      });
      const unacked: number[] = [];
      while (!finished.yet) unacked.push(...(await unackedOf(server, queue)));
      const { code, output } = await consuming;
      expect(code, output).toBe(0);
      const growth = JSON.parse(output) as Growth;
      console.log(
        `${output.trim()}, ${Math.max(...unacked)} unacked on the server at most, asked ${unacked.length} times`,
      );
      expect(growth.handled).toBeGreaterThanOrEqual(handled);
      expect(growth.peakInFlight).toBeLessThanOrEqual(inFlight);
      expect(growth.grewMiB).toBeLessThan(64);
      expect(unacked.length).toBeGreaterThan(100);
      expect(Math.max(...unacked)).toBeGreaterThan(0);
      expect(Math.max(...unacked)).toBeLessThanOrEqual(inFlight);
      await expect.poll(ready).toBe(waiting - growth.handled);
    });
  },
  { own: true },
);

/** How much the consumers of a quorum queue hold unsettled, as its leader has it, a hundred times in two seconds. */
async function unackedOf(server: Parameters<typeof askServer>[0], queue: string): Promise<number[]> {
  const answer = await askServer(
    server,
    `{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"${queue}">>)),
     Ask = fun(_) ->
       {ok, {_, N}, _} = ra:leader_query(amqqueue:get_pid(Q), fun rabbit_fifo:query_messages_checked_out/1),
       timer:sleep(20), {unacked, N}
     end,
     lists:map(Ask, lists:seq(1, 100)).`,
  );
  return Array.from(answer.matchAll(/\{unacked,(\d+)\}/g), ([, count]) => Number(count));
}
