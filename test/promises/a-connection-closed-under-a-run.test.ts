import { byKey, type ErrorListener, MemoryBroker, pipeline, type Run } from "tidelane";
import { VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

type Closing = "connection" | "subscriber";

/** A run over the memory broker with messages whose handlers wait for `gate`, all in flight. */
async function running(keys: string) {
  const clock = new VirtualClock();
  const connection = await new MemoryBroker({ clock }).connect();
  const subscriber = await connection.subscribe("orders", { group: "billing" });
  const reports: Parameters<ErrorListener>[0][] = [];
  const gate = new Gate();
  const run: Run = pipeline(subscriber, { onError: (report) => void reports.push(report) })
    .workers(8, byKey)
    .handle(() => gate.opened);
  for (const key of keys.split(" ").filter(Boolean)) {
    await connection.publisher().publish({ topic: "orders", payload: "1", key });
  }
  await clock.flush();
  const close: Record<Closing, () => Promise<void>> = {
    connection: () => connection.close(),
    subscriber: () => subscriber.close(),
  };
  return { clock, run, reports, gate, close };
}

const sentence = (count: number, named: string): string =>
  `The subscription of "orders" was closed under its running pipeline: ${count} deliveries in flight were not settled (${named}), and may come again. Await run.drain() first.`;

describe("a run whose connection or subscriber is closed under it", () => {
  it.each(["connection", "subscriber"] as const)("says once what was in flight (%s)", async (what) => {
    const { clock, run, reports, gate, close } = await running("ann bob");
    await close[what]();
    await clock.flush();
    const named = 'key "ann" attempt 1, key "bob" attempt 1';
    expect(reports.map(({ error, next }) => [(error as Error).message, next.kind])).toEqual([
      [sentence(2, named), "none"],
    ]);
    gate.open();
    expect(await run.done).toMatchObject({ endedBy: "end", revoked: 2, handled: 0 });
    expect(reports).toHaveLength(1);
  });

  it("names five of many", async () => {
    const { clock, reports, gate, close, run } = await running("a b c d e f g");
    await close.connection();
    await clock.flush();
    expect(String(reports[0]?.error)).toContain("7 deliveries in flight");
    expect(String(reports[0]?.error)).toContain('key "e" attempt 1, ...)');
    gate.open();
    await run.done;
  });

  it("says nothing when nothing was in flight, nor after a drain or a stop", async () => {
    const idle = await running("");
    await idle.close.connection();
    expect(await idle.run.done).toMatchObject({ endedBy: "end" });
    const drained = await running("ann");
    const over = drained.run.drain();
    await drained.clock.flush();
    drained.gate.open();
    await over;
    await drained.close.connection();
    const stopped = await running("ann");
    const end = stopped.run.stop();
    await stopped.close.connection();
    await stopped.clock.advance(5_000);
    await end;
    expect([idle.reports, drained.reports, stopped.reports]).toEqual([[], [], []]);
  });
});

it("a source that ends by itself is no closed connection: what is in flight is handled", async () => {
  const stage = new Stage();
  const gate = new Gate();
  stage.deliver("a b");
  stage.subscriber.end();
  const run = stage.pipeline.workers(2).handle(() => gate.opened);
  await stage.clock.flush();
  gate.open();
  expect(await run.done).toMatchObject({ endedBy: "end", handled: 2 });
  expect(stage.errors).toEqual([]);
});
