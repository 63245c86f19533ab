import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { openAsItEnds } from "../steps/ending.ts";
import { advance, closeConnection, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, closeAgain, pull, pullClosed, takeClosed } from "../steps/receiving.ts";
import { delay } from "../steps/settling.ts";

const group = { topic: "A", options: { group: "g" } };

export const quietAfterClose: Law = {
  name: "quiet-after-close",
  promise:
    "After a subscription or its connection has closed or crashed, its next() ends, nothing is delivered, and nothing is left running.",
  property: history(({ capabilities, fixture }) => ({
    groups: [group, { topic: "A", options: {} }],
    connections: 2,
    steps: [
      [4, publish()],
      [6, pull],
      [3, pullClosed],
      [1, takeClosed],
      [1, openAsItEnds],
      [2, close],
      [1, closeAgain],
      [capabilities.requeue ? 1 : 0, delay],
      [1, closeConnection],
      [fixture.kill === undefined ? 0 : 1, kill],
      [1, connect],
      [1, advance(300)],
    ],
  })),
};
