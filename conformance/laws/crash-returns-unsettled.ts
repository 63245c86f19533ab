import { acknowledges, all, crashes } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { connect, kill, restart } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { pull, take } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

export const crashReturnsUnsettled: Law = {
  name: "crash-returns-unsettled",
  promise: "If a connection dies, its unsettled messages are delivered to their group again.",
  claim: all(acknowledges, crashes),
  property: history(({ capabilities, fixture }) => ({
    groups: [{ topic: "A", options: { group: "g", maxInFlight: 4 } }],
    connections: 2,
    steps: [
      [4, publish()],
      [6, pull],
      [2, take],
      [1, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [fixture.kill === undefined ? 0 : 2, kill],
      [fixture.restart === undefined ? 0 : 1, restart],
      [2, connect],
    ],
    maxSteps: 50,
  })),
};
