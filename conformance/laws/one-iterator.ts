import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, leaveBatches, pull, pullReturned, secondLoop } from "../steps/receiving.ts";
import { ack } from "../steps/settling.ts";

export const oneIterator: Law = {
  name: "one-iterator",
  promise:
    "While a loop over a subscriber is active, a second loop, also of batches, throws SubscriberBusyError and disturbs nothing. After the first has ended, another may begin, and the first gives nothing more.",
  property: history(() => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [3, publish()],
      [6, pull],
      [4, secondLoop],
      [3, breakLoop],
      [2, pullReturned],
      [2, leaveBatches],
      [2, ack],
    ],
    maxSteps: 40,
  })),
};
