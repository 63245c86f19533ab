import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { ack } from "../steps/settling.ts";
import { abandon, begin, commit, publishAfter, publishIn } from "../steps/transacting.ts";

export const transactionVisibility: Law = {
  name: "transaction-visibility",
  promise:
    "Nothing of a transaction is seen before it commits; then all of it comes, in order; and nothing of it ever does when its work throws.",
  claim: ({ publisher }) => (publisher.transactions ? undefined : "its publisher says transactions false"),
  property: history(() => ({
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
  })),
};
