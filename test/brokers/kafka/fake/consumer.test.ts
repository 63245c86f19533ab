import { expect, it } from "vitest";
import { Bench } from "./bench.ts";

it("the fake joins again when a rebalance begins between its heartbeat and its fetch", async () => {
  const bench = new Bench();
  await bench.subscribe();
  const group = bench.cluster.group("g");
  let begun = false;
  bench.kafka.consumers[0]?.on("consumer.fetch_start", () => {
    if (begun) return;
    begun = true;
    group.rebalance();
  });
  bench.cluster.wake();
  await bench.flush();
  expect(begun).toBe(true);
  expect(group.preparing).toBe(false);
});
