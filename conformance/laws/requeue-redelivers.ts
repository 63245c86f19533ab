import { requeues } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, delay, requeue } from "../steps/settling.ts";

export const requeueRedelivers: Law = {
  name: "requeue-redelivers",
  promise: "A message whose requeue resolved is delivered again, at once or after its delay.",
  claim: requeues,
  property: history(() => ({
    groups: [{ topic: "A", options: { group: "g", maxInFlight: 3 } }],
    steps: [
      [4, publish()],
      [7, pull],
      [1, take],
      [5, requeue],
      [3, delay],
      [1, ack],
      [1, close],
      [2, advance(60, 300)],
    ],
  })),
};
