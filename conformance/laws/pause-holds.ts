import { source } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pause, pull, resume, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

export const pauseHolds: Law = {
  name: "pause-holds",
  promise:
    "A paused subscriber is given nothing more than what was here already; after resume() everything comes.",
  claim: source({}, ({ pause: pauses }) => pauses, "pause false"),
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [5, publish()],
      [6, pull],
      [1, take],
      [3, pause],
      [2, resume],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [1, close],
    ],
    maxSteps: 50,
  })),
};
