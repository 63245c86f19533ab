import type { Arbitrary } from "fast-check";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { SourceOptions } from "../fixture.ts";
import type { Law } from "../law.ts";
import { checkCarries, checkConnections, checkSettles, checkShape } from "../stage/claims-held.ts";
import { checkReads, checkTakeReady, checkTopics, checkUsualSource } from "../stage/edges-held.ts";

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

/** Nearly always; a history that failed is looked at without. */
const mostly: Arbitrary<boolean> = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant(false) },
  { weight: 4, arbitrary: fc.constant(true) },
);

const parts = { settles: mostly, carries: mostly, topics: mostly, takes: mostly, reads: mostly };

interface Case {
  readonly options: SourceOptions;
  readonly key: string | undefined;
  readonly parts: { readonly [Part in keyof typeof parts]: boolean };
}

export const capabilitiesMatch: Law = {
  name: "capabilities-match",
  promise: "The source, the subscriber, its messages and the publisher behave as their capabilities say.",
  effort: 0.3,
  property: scenario<Case>(() => ({
    topics: { A: {}, D: {} },
    cases: fc.record({ options, key: fc.constantFrom(undefined, "a"), parts: fc.record(parts) }),
    play: async (stage, given) => {
      checkUsualSource(stage);
      await checkConnections(stage);
      const connection = await stage.connect();
      const subscriber = await connection.open({ topic: "A", options: given.options });
      if (subscriber === undefined) return;
      const { settles, carries, topics, takes, reads } = given.parts;
      checkShape(stage, subscriber, connection.publisher);
      if (settles) await checkSettles(stage, connection, subscriber, given.key);
      if (carries) await checkCarries(stage, connection, subscriber);
      if (topics) await checkTopics(stage, connection);
      if (takes) await checkTakeReady(stage, connection, subscriber);
      if (reads) await checkReads(stage, connection, subscriber);
    },
  })),
};
