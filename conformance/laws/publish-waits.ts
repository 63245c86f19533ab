import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, drop, requeue } from "../steps/settling.ts";

export const publishWaits: Law = {
  name: "publish-waits",
  promise: "A publish to a full topic waits for room, and goes through in its turn. Nothing is dropped.",
  claim: ({ fixture }) => (fixture.bounded ? undefined : "the fixture cannot bound a topic"),
  property: history(({ capabilities }) => ({
    topics: { A: { capacity: 2 } },
    groups: [{ topic: "A", options: { group: "g" } }],
    connections: 2,
    steps: [
      [7, publish()],
      [5, pull],
      [1, take],
      [3, ack],
      [1, drop],
      [capabilities.requeue ? 1 : 0, requeue],
      [1, close],
    ],
    maxSteps: 50,
  })),
};
