import { acknowledges } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, drop, requeue } from "../steps/settling.ts";

export const independentSettles: Law = {
  name: "independent-settles",
  promise: "A settle concerns only its own message: an earlier delivery that is unsettled stays unsettled.",
  claim: acknowledges,
  effort: 2,
  property: history(({ capabilities, fixture }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [5, publish()],
      [7, pull],
      [2, take],
      [4, ack],
      [1, drop],
      [capabilities.requeue ? 1 : 0, requeue],
      [1, close],
      [fixture.kill === undefined ? 0 : 1, kill],
      [1, connect],
    ],
    maxSteps: 60,
  })),
};
