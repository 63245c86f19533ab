import { source } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, prolong, requeue } from "../steps/settling.ts";

const ackDeadlineMs = 1_000;

export const ackDeadline: Law = {
  name: "ack-deadline",
  promise:
    "A delivery that stays unsettled for ackDeadlineMs is revoked and delivered again, and no sooner. keepAlive() starts that time afresh.",
  claim: source(
    { ackDeadlineMs },
    (capabilities) => capabilities.ackDeadlineMs === ackDeadlineMs,
    "no ackDeadlineMs for a source that asks for one",
  ),
  property: history(({ capabilities }) => ({
    groups: [{ topic: "A", options: { group: "g", ackDeadlineMs, maxInFlight: 3 } }],
    steps: [
      [3, publish()],
      [6, pull],
      [1, ack],
      [capabilities.requeue ? 1 : 0, requeue],
      [3, prolong],
      [4, advance(400, 600, 999, 1_000)],
      [1, close],
    ],
    maxSteps: 50,
  })),
};
