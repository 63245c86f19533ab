import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, leaveBatches, pull, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

export const breakLosesNothing: Law = {
  name: "break-loses-nothing",
  promise:
    "break ends the loop, not the subscription: messages that had arrived, or were on their way, go to the next loop.",
  property: history(({ capabilities }) => ({
    groups: [
      { topic: "A", options: { group: "g", maxInFlight: 4 } },
      { topic: "A", options: {} },
    ],
    opens: { weight: 1, most: 1 },
    steps: [
      [5, publish()],
      [6, pull],
      [1, take],
      [5, breakLoop],
      [1, leaveBatches],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
    ],
    maxSteps: 50,
  })),
};
