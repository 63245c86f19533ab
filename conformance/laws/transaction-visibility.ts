import { either } from "../engine/either.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { closeConnection, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack } from "../steps/settling.ts";
import { abandon, abortTransaction, begin, commit, publishAfter, publishIn } from "../steps/transacting.ts";

/** Two topics, and nothing that disturbs. */
const quiet: Law["property"] = history(() => ({
  topics: { A: {}, B: {} },
  groups: [
    { topic: "A", options: { group: "g" } },
    { topic: "B", options: { group: "g" } },
  ],
  steps: [
    [2, publish()],
    [3, begin],
    [6, publishIn],
    [3, commit],
    [2, abandon],
    [1, publishAfter],
    [6, pull],
    [1, ack],
  ],
}));

/** What ends a transaction from outside, topics that are full, and groups that open meanwhile. */
const disturbed: Law["property"] = history(({ fixture }) => ({
  topics: { A: fixture.bounded === true ? { capacity: 1 } : {}, B: {} },
  groups: [
    { topic: "A", options: { group: "g" } },
    { topic: "B", options: { group: "g" } },
    // A new group gets what is in the topic, whatever the topic has room for.
    { topic: "B", options: { group: "h" } },
    { topic: "B", options: { group: "i" } },
  ],
  seats: [0, 1],
  connections: 2,
  steps: [
    [1, publish()],
    [4, begin],
    [8, publishIn],
    [4, commit],
    [1, abandon],
    [1, abortTransaction],
    [1, publishAfter],
    [6, pull],
    [2, ack],
    [1, close],
    [fixture.kill === undefined ? 0 : 2, kill],
    [1, closeConnection],
    [1, connect],
  ],
  opens: { weight: 4, most: 1 },
  maxSteps: 50,
}));

/** Commits that wait for room, or for the server, while their connection dies or their signal fires. */
const interrupted: Law["property"] = history(({ fixture }) => ({
  topics: { A: fixture.bounded === true ? { capacity: 1 } : {} },
  groups: [{ topic: "A", options: { group: "g" } }],
  connections: 2,
  steps: [
    [4, begin],
    [8, publishIn],
    [5, commit],
    [2, abortTransaction],
    [3, pull],
    [1, ack],
    [fixture.kill === undefined ? 0 : 2, kill],
    [2, connect],
  ],
  opens: { weight: 1, most: 1 },
  maxSteps: 40,
}));

export const transactionVisibility: Law = {
  name: "transaction-visibility",
  promise:
    "Nothing of a transaction is seen before it commits. Then all of it comes, in order. If its work throws, nothing of it ever comes.",
  claim: ({ publisher }) => (publisher.transactions ? undefined : "its publisher says transactions false"),
  property: either(quiet, disturbed, interrupted),
};
