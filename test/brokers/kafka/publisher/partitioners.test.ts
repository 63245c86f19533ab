import { describe, expect, it } from "vitest";
import { partitioners } from "../../../../src/brokers/kafka/publisher/partitioners.ts";
import { Bench } from "../fake/bench.ts";

describe("crc32", () => {
  // The first is the check value of this CRC-32; the others are those of librdkafka's own test, for 17 partitions.
  it.each([
    ["123456789", 1_000_000_007, 0xcbf43926 % 1_000_000_007],
    ["23456", 17, 0xb1b451d7 % 17],
    ["this is another string with more length to it perhaps", 17, 0xb0150df7 % 17],
    ["hejsan", 17, 0xd077037e % 17],
  ])("puts %s where librdkafka does", (key, partitions, expected) => {
    expect(partitioners.crc32(Buffer.from(key), partitions)).toBe(expected);
  });

  it("leaves an empty key to chance, which murmur2 does not", () => {
    expect(partitioners.crc32(new Uint8Array(), 8)).toBeUndefined();
    expect(partitioners.murmur2(new Uint8Array(), 8)).toBe((0x106e08d9 & 0x7fffffff) % 8);
  });
});

describe("a publisher", () => {
  async function places(partitioner: "murmur2" | "crc32" | undefined, keys: readonly string[]) {
    const bench = new Bench();
    bench.cluster.createTopic("wide", 8);
    const connection = await bench.connect();
    const publisher = connection.publisher(partitioner && { partitioner });
    for (const key of keys) await bench.settled(publisher.publish({ topic: "wide", payload: key, key }));
    return Array.from({ length: 8 }, (_one, id) => bench.cluster.log("wide", id).values());
  }

  it("chooses by the partitioner it was given, murmur2 unless told otherwise", async () => {
    const keys = ["a", "abc", "foobar"];
    for (const key of keys) {
      const bytes = Buffer.from(key);
      const [usual, java, c] = [
        await places(undefined, [key]),
        await places("murmur2", [key]),
        await places("crc32", [key]),
      ];
      expect(usual[partitioners.murmur2(bytes, 8) ?? -1]).toEqual([key]);
      expect(java).toEqual(usual);
      expect(c[partitioners.crc32(bytes, 8) ?? -1]).toEqual([key]);
    }
  });

  it("spreads empty keys with crc32, and keeps them together with murmur2", async () => {
    const empty = ["", "", "", ""];
    const filled = (logs: readonly unknown[][]): number => logs.filter(({ length }) => length > 0).length;
    expect(filled(await places("crc32", empty))).toBe(4);
    expect(filled(await places("murmur2", empty))).toBe(1);
  });
});
