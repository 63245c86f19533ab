import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import {
  askTopic,
  openClosed,
  publishClosed,
  publishFresh,
  requestClosed,
  transactionClosed,
} from "../steps/ending.ts";
import { closeConnection, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";

export const publishAfterClose: Law = {
  name: "publish-after-close",
  promise:
    "After a connection has ended, its publishes, subscribes, requests and transactions reject with ConnectionClosedError, and nothing of them arrives.",
  property: history(({ fixture }) => {
    const group = { topic: "A", options: { group: "g" } };
    return {
      groups: [group],
      connections: 2,
      steps: [
        [2, publish()],
        [1, publishFresh],
        [4, pull],
        [3, closeConnection],
        [fixture.kill === undefined ? 0 : 1, kill],
        [1, connect],
        [4, publishClosed],
        [2, openClosed],
        [2, requestClosed],
        [1, askTopic],
        [2, transactionClosed],
      ],
      maxSteps: 50,
    };
  }),
};
