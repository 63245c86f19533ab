import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import { openConnections } from "./publishing.ts";
import { Step, stepOn } from "./step.ts";

/** A connection dies. */
export const kill: Arbitrary<Step> = stepOn("kill", openConnections, (connection) => connection.kill());

export const shutdown: Arbitrary<Step> = stepOn("shutdown", openConnections, (connection) =>
  connection.shutdown(),
);

/** `shutdown()` of a connection that is going down, or gone. */
export const shutdownAgain: Arbitrary<Step> = stepOn(
  "shutdown again",
  (stage) => stage.connections.filter(({ state }) => state !== "open"),
  (connection) => connection.shutdown(),
);

/** One more connection. */
export const connect: Arbitrary<Step> = fc.constant(
  new Step({
    name: "connect",
    ready: (stage) => stage.connections.length < 4,
    act: async (stage) => {
      const connection = await stage.connect();
      stage.trace.line(`connect ${connection.name}`);
    },
  }),
);

/** Time passes. */
export function advance(...durations: readonly number[]): Arbitrary<Step> {
  return fc.constantFrom(...durations).map(
    (ms) =>
      new Step({
        name: `advance ${ms}`,
        ready: () => true,
        act: (stage) => {
          stage.trace.line(`${ms} ms pass`);
          return stage.pace.advance(ms);
        },
      }),
  );
}
