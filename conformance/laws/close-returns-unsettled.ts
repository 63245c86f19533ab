import { acknowledges } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { closeConnection, connect } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

export const closeReturnsUnsettled: Law = {
  name: "close-returns-unsettled",
  promise:
    "If a subscriber or its connection closes, its unsettled messages are delivered to its group again.",
  claim: acknowledges,
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g", maxInFlight: 4 } }],
    connections: 2,
    steps: [
      [4, publish()],
      [6, pull],
      [2, take],
      [1, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [3, close],
      [1, closeConnection],
      [1, connect],
    ],
    maxSteps: 50,
  })),
};
