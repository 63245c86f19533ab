import type { Arbitrary } from "fast-check";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { SourceOptions } from "../fixture.ts";
import type { Law } from "../law.ts";
import { checkCarries, checkConnections, checkSettles, checkShape } from "../stage/claims-held.ts";

/** Options in all combinations; a topic that is not retained cannot be read from its start. */
const options: Arbitrary<SourceOptions> = fc.record(
  {
    group: fc.constant("g"),
    maxInFlight: fc.constantFrom(3, 1),
    ackDeadlineMs: fc.constant(1_000),
    deadLetter: fc.constant({ topic: "D", maxDeliveries: 3 }),
  },
  { requiredKeys: [] },
);

export const capabilitiesMatch: Law = {
  name: "capabilities-match",
  promise: "What is declared is what happens: on the source, the subscriber, its messages and the publisher.",
  effort: 0.3,
  property: scenario<{ options: SourceOptions; key: string | undefined }>(() => ({
    topics: { A: {}, D: {} },
    cases: fc.record({ options, key: fc.constantFrom(undefined, "a") }),
    play: async (stage, given) => {
      await checkConnections(stage);
      const connection = await stage.connect();
      const subscriber = await connection.open({ topic: "A", options: given.options });
      if (subscriber === undefined) return;
      checkShape(stage, subscriber, connection.publisher);
      await checkSettles(stage, connection, subscriber, given.key);
      await checkCarries(stage, connection, subscriber);
    },
  })),
};
