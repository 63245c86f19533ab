import type { CreateAssigner, KafkaModule } from "../../client.ts";
import type { KafkaAssigner } from "../../options/subscription.ts";
import { javaAssigner } from "./java-assigners.ts";
import { type Ownership, stickyAssigner } from "./sticky-assigner.ts";

type Create = (module: KafkaModule, owned: () => Ownership) => CreateAssigner;

/** By their names on the wire. */
const assigners: Readonly<Record<KafkaAssigner, Create>> = {
  "tidelane-sticky": ({ AssignerProtocol }, owned) => stickyAssigner(AssignerProtocol, owned),
  range: ({ AssignerProtocol }) => javaAssigner(AssignerProtocol, "range"),
  roundrobin: ({ AssignerProtocol }) => javaAssigner(AssignerProtocol, "roundrobin"),
  RoundRobinAssigner: ({ PartitionAssigners }) => PartitionAssigners.roundRobin,
};

export function createAssigners(
  [first, ...others]: readonly [KafkaAssigner, ...KafkaAssigner[]],
  module: KafkaModule,
  owned: () => Ownership,
): readonly [CreateAssigner, ...CreateAssigner[]] {
  return [assigners[first](module, owned), ...others.map((name) => assigners[name](module, owned))];
}
