import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import {
  abort,
  connectAborted,
  publishAbortable,
  publishAborted,
  requestAbortable,
} from "../steps/aborting.ts";
import { publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { ack } from "../steps/settling.ts";

export const abortIsPrompt: Law = {
  name: "abort-is-prompt",
  promise: "connect, publish and request reject with AbortedError as soon as their signal aborts.",
  property: history(({ fixture, publisher }) => ({
    topics: { A: fixture.bounded ? { capacity: 2 } : {} },
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [2, publish()],
      [4, publishAbortable],
      [publisher.requestReply ? 2 : 0, requestAbortable],
      [5, abort],
      [1, publishAborted],
      [1, connectAborted],
      [3, pull],
      [1, ack],
    ],
    maxSteps: 50,
  })),
};
