import type { Arbitrary } from "fast-check";
import { isTidelaneError } from "../../src/traits/index.ts";
import { isRequesting, isTransactional } from "../abilities.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "../stage/connection-actor.ts";
import { requestInVain } from "../stage/request.ts";
import type { Stage } from "../stage/stage.ts";
import type { GroupSpec } from "../stage/subscriber-actor.ts";
import { type Step, stepOn } from "./step.ts";

/** Connections that are gone: whatever is asked of them is refused. */
function closed(stage: Stage): ConnectionActor[] {
  return stage.connections.filter(({ state }) => state === "closed");
}

export const publishClosed: Arbitrary<Step> = stepOn("publish closed", closed, (connection) =>
  connection.publish({ topic: "A" }),
);

export const requestClosed: Arbitrary<Step> = stepOn(
  "request closed",
  (stage) => closed(stage).filter(({ publisher }) => isRequesting(publisher)),
  (connection, stage) => requestInVain(stage, connection, "A"),
);

export function openClosed(spec: GroupSpec): Arbitrary<Step> {
  return stepOn("open closed", closed, (connection) => connection.open(spec));
}

export const transactionClosed: Arbitrary<Step> = stepOn(
  "transaction closed",
  (stage) => closed(stage).filter(({ publisher }) => isTransactional(publisher)),
  async (connection, stage) => {
    if (!isTransactional(connection.publisher)) return;
    const line = stage.trace.line(`begin a transaction${connection.label}`);
    try {
      await connection.publisher.transaction(() => Promise.resolve());
      connection.violateClosed("a transaction committed");
    } catch (error) {
      line.outcome(nameOfError(error));
      if (isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED")) return;
      connection.violateClosed(`a transaction rejected with ${nameOfError(error)}`);
    }
  },
);

/** A request that waits, perhaps until its connection ends. */
export const request: Arbitrary<Step> = stepOn(
  "request",
  (stage) =>
    stage.connections.filter(({ state, publisher, requests }) => {
      return state === "open" && isRequesting(publisher) && requests.size < 2;
    }),
  (connection, stage) => requestInVain(stage, connection, "A"),
);
