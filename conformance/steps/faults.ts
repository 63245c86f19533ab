import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { ConnectionActor, Ending } from "../stage/connection-actor.ts";
import type { Stage } from "../stage/stage.ts";
import { stepWith } from "./choices.ts";
import { openConnections } from "./publishing.ts";
import { Step, stepOn } from "./step.ts";

/** A connection dies. */
export const kill: Arbitrary<Step> = stepOn(
  "kill",
  (stage) =>
    openConnections(stage).filter((connection) => stage.pace.virtual || !isHeldBack(stage, connection)),
  (connection) => connection.kill(),
);

/** A server may hold back what follows a transaction that is left open, until it gives the transaction up a minute later. */
function isHeldBack(stage: Stage, connection: ConnectionActor): boolean {
  return stage.transactions.some((each) => each.connection === connection && each.state !== "ended");
}

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

const ways = fc.constantFrom<Ending[]>("close", "close", "close", "dispose");

function ending(name: string, from: (stage: Stage) => ConnectionActor[]): Arbitrary<Step> {
  return stepWith(name, ways, from, (connection, _, way) => connection.close(way));
}

/** By each of the names it has. */
export const closeConnection: Arbitrary<Step> = ending("close connection", openConnections);

/** Of a connection that is going down, or gone. */
export const closeConnectionAgain: Arbitrary<Step> = ending("close connection again", (stage) =>
  stage.connections.filter(({ state }) => state !== "open"),
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
