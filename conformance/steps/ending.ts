import type { Arbitrary } from "fast-check";
import { isTidelaneError } from "../../src/traits/index.ts";
import { isRequesting, isTransactional } from "../abilities.ts";
import { fc } from "../fast-check.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor, Ending, PublisherChoice } from "../stage/connection-actor.ts";
import { turns } from "../stage/pace.ts";
import { requestInVain } from "../stage/request.ts";
import type { Stage } from "../stage/stage.ts";
import { stepWith } from "./choices.ts";
import { openConnections } from "./publishing.ts";
import { picked, type Step, stepOn } from "./step.ts";

/** Connections that are gone: whatever is asked of them is refused. */
function closed(stage: Stage): ConnectionActor[] {
  return stage.connections.filter(({ state }) => state === "closed");
}

/** A publisher that was made before the end, or after it. */
const publishers = fc.constantFrom<PublisherChoice[]>("first", "second", "fresh");

export const publishClosed: Arbitrary<Step> = stepWith(
  "publish closed",
  publishers,
  closed,
  (connection, _, by) => connection.publish({ topic: "A" }, undefined, by),
);

/** By a publisher that is made for this one message. */
export const publishFresh: Arbitrary<Step> = stepOn("publish fresh", openConnections, (connection) =>
  connection.publish({ topic: "A" }, undefined, "fresh"),
);

/** What `checkTopic` says, of a connection that is gone too. */
export const askTopic: Arbitrary<Step> = stepWith(
  "check topic",
  publishers,
  (stage) => stage.connections.filter(({ publisher }) => publisher.checkTopic !== undefined),
  (connection, _, by) => connection.checkTopic("A", by),
);

const endings = fc.record({
  later: fc.nat({ max: 4 }),
  way: fc.constantFrom<(Ending | "kill")[]>("close", "dispose", "kill"),
});

/** A subscription that is on its way while its connection ends, one way or the other. */
export const openAsItEnds: Arbitrary<Step> = stepWith(
  "open as it ends",
  endings,
  openConnections,
  async (connection, stage, { later, way }) => {
    const opening = connection.open(picked(stage.groups, 0));
    await turns(later);
    const killed = way === "kill" && stage.subject.fixture.kill !== undefined;
    const ending = killed ? connection.kill() : connection.close(way === "kill" ? "close" : way);
    await Promise.all([opening, ending]);
  },
);

export const requestClosed: Arbitrary<Step> = stepOn(
  "request closed",
  (stage) => closed(stage).filter(({ publisher }) => isRequesting(publisher)),
  (connection, stage) => requestInVain(stage, connection, "A"),
);

/** A member of a group of the history, with the options of that group: others may be its own on some ground. */
export const openClosed: Arbitrary<Step> = stepOn("open closed", closed, (connection, stage) =>
  connection.open(picked(stage.groups, 0)),
);

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
