import { acknowledges } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, drop, requeue } from "../steps/settling.ts";

export const dropIsFinal: Law = {
  name: "drop-is-final",
  promise: "A message that was dropped, by nack({ requeue: false }), is not delivered to its group again.",
  claim: acknowledges,
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [5, publish()],
      [6, pull],
      [5, drop],
      [1, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [2, close],
    ],
    maxSteps: 50,
  })),
};
