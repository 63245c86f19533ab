import { byKey } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

/** Lets what has been settled in promises take its course. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("A run whose workers are all at work", () => {
  it("pulls some at a time, and not one for each delivery that leaves", async () => {
    const stage = new Stage();
    const gates = Array.from({ length: 14 }, () => new Gate());
    stage.deliver(gates.map((_, index) => `k:${index}`).join(" "));
    const run = stage.pipeline
      .workers(1, byKey, { maxInFlight: 9 })
      .handle((message) => gates[Number(message.text().slice(2))]?.opened);
    await settle();
    const pulled = [run.stats.pulled];
    for (const gate of gates.slice(0, 4)) {
      gate.open();
      await settle();
      pulled.push(run.stats.pulled);
    }
    expect(pulled).toEqual([9, 9, 11, 11, 13]);
    for (const gate of gates) gate.open();
    stage.subscriber.end();
    expect(await run.done).toMatchObject({ handled: 14, peakInFlight: 9 });
  });

  it("pulls for a worker that is idle however little room there is", async () => {
    const stage = new Stage();
    const gate = new Gate();
    stage.deliver("a:1 a:2 a:3 a:4 a:5 a:6 a:7 a:8 b:1");
    const run = stage.pipeline.workers(2, byKey, { maxInFlight: 9 }).handle((message) => {
      stage.log.push(message.text());
      return message.text() === "b:1" ? undefined : gate.opened;
    });
    await settle();
    expect(stage.log).toEqual(["a:1", "b:1"]);
    stage.deliver("c:1");
    await settle();
    expect(run.stats).toMatchObject({ inFlight: 9, running: 2 });
    gate.open();
    expect(await run.drain()).toMatchObject({ handled: 10 });
  });
});
