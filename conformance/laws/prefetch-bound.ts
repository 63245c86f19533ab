import { acknowledges, all, source } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, close, pull, take } from "../steps/receiving.ts";
import { ack, delay, requeue } from "../steps/settling.ts";

export const prefetchBound: Law = {
  name: "prefetch-bound",
  promise:
    "A subscription holds at most maxInFlight deliveries unsettled, and gets another one when one is settled.",
  claim: all(
    acknowledges,
    source(
      { maxInFlight: 2 },
      ({ maxInFlight }) => maxInFlight === 2,
      "another maxInFlight than was asked for",
    ),
  ),
  property: history(({ capabilities }) => ({
    topics: { A: {}, B: {} },
    groups: [
      { topic: "A", options: { group: "g", maxInFlight: 2 } },
      { topic: "B", options: { group: "g", maxInFlight: 1 } },
    ],
    seats: [0, 0, 1],
    steps: [
      [6, publish()],
      [8, pull],
      [2, take],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [capabilities.requeue ? 1 : 0, delay],
      [1, advance(300)],
      [1, breakLoop],
      [1, close],
    ],
  })),
};
