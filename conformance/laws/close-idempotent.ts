import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { openAsItEnds, request } from "../steps/ending.ts";
import { closeConnection, closeConnectionAgain, connect } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, close, pull } from "../steps/receiving.ts";

const group = { topic: "A", options: { group: "g", maxInFlight: 2 } };

/** Where a topic can be bounded, publishes wait for room when the connection closes. */
export const closeIdempotent: Law = {
  name: "close-idempotent",
  promise:
    "close() and the disposal of a connection resolve in bounded time, any number of times. If a next(), a publish, a request or a subscribe waits, it gets an answer.",
  property: history(({ fixture, publisher }) => ({
    topics: { A: fixture.bounded ? { capacity: 2 } : {} },
    groups: [group],
    connections: 2,
    steps: [
      [5, publish()],
      [5, pull],
      [3, closeConnection],
      [3, closeConnectionAgain],
      [2, openAsItEnds],
      [publisher.requestReply ? 2 : 0, request],
      [1, connect],
      [1, breakLoop],
      [1, close],
    ],
    maxSteps: 50,
  })),
};
