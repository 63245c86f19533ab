import { expect, it } from "vitest";
import { run } from "../../../scripts/steps.ts";
import { describeLive } from "../describe-live.ts";
import { committed, connect, topicOf } from "./stage.ts";

const waiting = 200_000;
const partitions = 2;
const inFlight = 64;
const maxUncommitted = 256;
const warmUp = 4_000;
const handled = 20_000;

interface Figures {
  readonly handled: number;
  readonly peakInFlight: number;
  readonly residentMiB: number;
  readonly grewMiB: number;
  /** How often the server was asked for what is committed. */
  readonly asked: number;
  readonly mostUncommitted: number;
}

await describeLive("kafka", "a slow consumer", (server) => {
  it("holds 64 of 200,000 records, and no more memory", { timeout: 240_000 }, async () => {
    const connection = await connect(server);
    const topic = await topicOf(server, partitions);
    const group = `${topic}-group`;
    const publisher = connection.publisher();
    const payload = new Uint8Array(1_024);
    for (let sent = 0; sent < waiting; sent += 4_000) {
      const batch = Array.from({ length: 4_000 }, (_, index) => `key-${(sent + index) % 1_000}`);
      await Promise.all(batch.map((key) => publisher.publish({ topic, payload, key })));
    }
    const script = "test/live/kafka/slow-consumer-process.ts";
    const { code, output } = await run([
      process.execPath,
      ...["--expose-gc", "--import", "tsx", script],
      ...[server.address, topic, group, ...[inFlight, maxUncommitted, warmUp, handled].map(String)],
    ]);
    expect(code, output).toBe(0);
    const figures = JSON.parse(output) as Figures;
    console.log(output.trim());
    expect(figures.handled).toBeGreaterThanOrEqual(handled);
    expect(figures.peakInFlight).toBeLessThanOrEqual(inFlight);
    expect(figures.grewMiB).toBeLessThan(64);
    expect(figures.asked).toBeGreaterThan(100);
    expect(figures.mostUncommitted).toBeGreaterThan(0);
    expect(figures.mostUncommitted).toBeLessThanOrEqual(partitions * maxUncommitted);
    const offsets = await committed(server, group, topic);
    expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(figures.handled);
  });
});
