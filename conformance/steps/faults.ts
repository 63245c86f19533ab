import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import { openConnections } from "./publishing.ts";
import { Step, stepOn } from "./step.ts";

/** A connection dies. */
export const kill: Arbitrary<Step> = stepOn("kill", openConnections, (connection) => connection.kill());

/** The server restarts, which ends every connection at once. */
export const restart: Arbitrary<Step> = fc.constant(
  new Step({
    name: "restart",
    ready: (stage) => stage.subject.fixture.restart !== undefined && openConnections(stage).length > 0,
    act: async (stage) => {
      stage.trace.line("restart the server");
      const connections = openConnections(stage);
      for (const connection of connections) connection.dying();
      await stage.subject.fixture.restart?.();
      for (const connection of connections) connection.died();
    },
  }),
);

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
