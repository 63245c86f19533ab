import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, close, pull, take } from "../steps/receiving.ts";
import { ack, delay, requeue } from "../steps/settling.ts";

export const conservation: Law = {
  name: "conservation",
  promise: "A message whose publish resolved is delivered until it is settled, whatever else happens.",
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g", maxInFlight: 4 } }],
    steps: [
      [6, publish()],
      [6, pull],
      [1, take],
      [3, ack],
      [capabilities.requeue ? 2 : 0, requeue],
      [capabilities.requeue ? 1 : 0, delay],
      [1, breakLoop],
      [1, close],
      [1, advance(60, 300)],
    ],
  })),
};
