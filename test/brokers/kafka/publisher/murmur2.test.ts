import { createRequire } from "node:module";
import fc from "fast-check";
import { expect, it } from "vitest";
import { murmur2, partitionOf } from "../../../../src/brokers/kafka/publisher/murmur2.ts";

// The package does not export this file, but there is no other way to compare with kafkajs's own arithmetic.
const reference: (key: Buffer) => number = createRequire(import.meta.url)(
  "kafkajs/src/producer/partitioners/default/murmur2.js",
);

it.each([
  ["21", -973_932_308],
  ["foobar", -790_332_482],
  ["a-little-bit-long-string", -985_981_536],
  ["a-little-bit-longer-string", -1_486_304_829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971],
  ["abc", 479_470_107],
])("gives for %s what Kafka's own clients do", (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash);
});

it("agrees with kafkajs on any key", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (key) => {
      expect(murmur2(key)).toBe(Number(reference(Buffer.from(key))));
    }),
    { numRuns: 300 },
  );
});

it("gives a partition that is there", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 1_000 }), (key, partitions) => {
      const partition = partitionOf(key, partitions);
      expect(partition).toBeGreaterThanOrEqual(0);
      expect(partition).toBeLessThan(partitions);
    }),
  );
});
