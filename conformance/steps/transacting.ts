import type { Arbitrary } from "fast-check";
import { isTransactional } from "../abilities.ts";
import { contents } from "../content/contents.ts";
import { fc } from "../fast-check.ts";
import type { Stage } from "../stage/stage.ts";
import { TransactionActor } from "../stage/transaction-actor.ts";
import { openConnections } from "./publishing.ts";
import { gap, pick, picked, Step, stepOn } from "./step.ts";

function open(stage: Stage): TransactionActor[] {
  return stage.transactions.filter(({ state }) => state === "open");
}

/** At most one open at a time on a connection, which is what every transport can do. */
export const begin: Arbitrary<Step> = stepOn(
  "begin",
  (stage) =>
    openConnections(stage).filter(
      (connection) =>
        isTransactional(connection.publisher) &&
        !stage.transactions.some((each) => each.connection === connection && each.state !== "ended"),
    ),
  (connection, stage) => {
    if (!isTransactional(connection.publisher)) return;
    const name = `t${stage.transactions.length + 1}`;
    stage.transactions.push(new TransactionActor(stage, connection, connection.publisher, name));
  },
);

export const publishIn: Arbitrary<Step> = publishTo(open);
export const publishAfter: Arbitrary<Step> = publishTo((stage) =>
  stage.transactions.filter(({ state }) => state === "ended"),
);

export const commit: Arbitrary<Step> = stepOn("commit", open, (transaction) => transaction.commit());
export const abandon: Arbitrary<Step> = stepOn("abandon", open, (transaction) => transaction.abandon());

/** The signal of a transaction fires, while its work goes on or while it is being committed. */
export const abortTransaction: Arbitrary<Step> = stepOn(
  "abort a transaction",
  (stage) => stage.transactions.filter(({ state, aborted }) => state !== "ended" && !aborted),
  (transaction) => transaction.abort(),
);

function publishTo(from: (stage: Stage) => TransactionActor[]): Arbitrary<Step> {
  return fc.tuple(pick, pick, contents, gap).map(
    ([index, topic, content, gapped]) =>
      new Step({
        name: "publish in a transaction",
        ready: (stage) => from(stage).length > 0,
        act: (stage) =>
          picked(from(stage), index).publish({ ...content, topic: picked(Object.keys(stage.topics), topic) }),
        gap: gapped,
      }),
  );
}
