import { InvalidArgumentError } from "../../../../traits/errors.ts";
import type { CreateAssigner, KafkaModule } from "../../client.ts";
import { javaAssigner } from "./java-assigners.ts";
import { type Ownership, stickyAssigner } from "./sticky-assigner.ts";

type Create = (module: KafkaModule, owned: () => Ownership) => CreateAssigner;

/**
 * A way to share out the partitions of a group, by its name on the wire: tidelane's, those of Java's client and of
 * librdkafka ("range", "roundrobin"), and that of kafkajs.
 */
export type KafkaAssigner = "tidelane-sticky" | "range" | "roundrobin" | "RoundRobinAssigner";

/** By their names on the wire. */
const assigners: Readonly<Record<KafkaAssigner, Create>> = {
  "tidelane-sticky": ({ AssignerProtocol }, owned) => stickyAssigner(AssignerProtocol, owned),
  range: ({ AssignerProtocol }) => javaAssigner(AssignerProtocol, "range"),
  roundrobin: ({ AssignerProtocol }) => javaAssigner(AssignerProtocol, "roundrobin"),
  RoundRobinAssigner: ({ PartitionAssigners }) => PartitionAssigners.roundRobin,
};

type AtLeastOne<T> = readonly [T, ...T[]];

/** The second is for a group with members that use kafkajs by itself. */
const usual: AtLeastOne<KafkaAssigner> = ["tidelane-sticky", "RoundRobinAssigner"];

export function checkAssigners(given: unknown): AtLeastOne<KafkaAssigner> {
  if (given === undefined) return usual;
  const list: unknown[] = Array.isArray(given) ? given : [];
  const [first, ...others] = [...new Set(list)].filter(isAssigner);
  if (first !== undefined && list.every(isAssigner)) return [first, ...others];
  const words = Object.keys(assigners).map((word) => `"${word}"`);
  throw new InvalidArgumentError({
    argument: "options.partitionAssigners",
    expected: `a list of at least one of ${words.join(", ")}`,
    received: list.find((one) => !isAssigner(one)) ?? given,
  });
}

export function createAssigners(
  [first, ...others]: AtLeastOne<KafkaAssigner>,
  module: KafkaModule,
  owned: () => Ownership,
): AtLeastOne<CreateAssigner> {
  return [assigners[first](module, owned), ...others.map((name) => assigners[name](module, owned))];
}

function isAssigner(value: unknown): value is KafkaAssigner {
  return typeof value === "string" && Object.hasOwn(assigners, value);
}
