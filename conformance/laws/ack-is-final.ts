import { acknowledges } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

export const ackIsFinal: Law = {
  name: "ack-is-final",
  promise: "A message whose ack resolved is not delivered to its group again.",
  claim: acknowledges,
  property: history(({ capabilities, fixture }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [5, publish()],
      [6, pull],
      [1, take],
      [5, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [2, close],
      [fixture.kill === undefined ? 0 : 1, kill],
      [1, connect],
    ],
  })),
};
