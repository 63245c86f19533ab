import { groups } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

export const groupShares: Law = {
  name: "group-shares",
  promise: "In a group, one subscriber at a time holds a message.",
  claim: groups,
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    seats: [0, 0, 0],
    connections: 2,
    opens: { weight: 1, most: 3 },
    steps: [
      [4, publish()],
      [8, pull],
      [2, take],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [1, close],
    ],
  })),
};
