import { crc32 } from "node:zlib";
import type { KafkaPartitioner } from "../options/publisher.ts";
import { partitionOf } from "./murmur2.ts";

/** The partition a key belongs to, of so many; `undefined` where any will do. */
export type Partitioner = (key: Uint8Array, partitions: number) => number | undefined;

/** By the name of the option. */
export const partitioners: Readonly<Record<KafkaPartitioner, Partitioner>> = {
  /** Kafka's Java client: an empty key is a key like any other. */
  murmur2: partitionOf,
  /** "consistent_random" of librdkafka, its default: messages with an empty key are spread as those without one. */
  crc32: (key: Uint8Array, partitions: number): number | undefined =>
    key.byteLength === 0 ? undefined : crc32(key) % partitions,
};
