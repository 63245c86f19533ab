import { all, promises, requeues } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, delay, requeue } from "../steps/settling.ts";

export const requeueKeepsPlace: Law = {
  name: "requeue-keeps-place",
  promise: "A requeued message is delivered before every later message that was not delivered yet.",
  claim: all(requeues, promises("requeueKeepsPlace")),
  property: history(() => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [6, publish()],
      [6, pull],
      [1, take],
      [4, requeue],
      [1, delay],
      [1, ack],
      [1, close],
      [1, advance(60, 300)],
    ],
  })),
};
