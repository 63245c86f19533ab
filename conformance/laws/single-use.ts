import { acknowledges } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, drop, requeue, settleAgain } from "../steps/settling.ts";

export const singleUse: Law = {
  name: "single-use",
  promise:
    "The first settle of a delivery wins. A later one rejects with AlreadySettledError and changes nothing.",
  claim: acknowledges,
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [3, publish()],
      [6, pull],
      [2, ack],
      [capabilities.requeue ? 2 : 0, requeue],
      [1, drop],
      [5, settleAgain],
      [1, close],
    ],
    maxSteps: 50,
  })),
};
