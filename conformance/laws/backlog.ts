import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

/** No group is there at first: the histories open them among the publishes. */
export const backlog: Law = {
  name: "backlog",
  promise:
    "A new group gets earlier messages exactly if its capabilities say so, and every message published from then on.",
  property: history(({ capabilities, fixture }) => {
    const retained =
      fixture.source("tidelane-conformance", { group: "claims", retained: true }).capabilities.backlog ===
      true;
    return {
      topics: { A: {}, ...(retained ? { B: { retained: true } } : {}) },
      groups: [
        { topic: "A", options: { group: "g" } },
        { topic: "A", options: {} },
        ...(retained
          ? [
              { topic: "B", options: { group: "g", retained: true } },
              { topic: "B", options: { group: "h" } },
            ]
          : []),
      ],
      seats: [],
      opens: { weight: 3, most: 1 },
      steps: [
        [6, publish()],
        [6, pull],
        [2, ack],
        [capabilities.requeue ? 1 : 0, requeue],
        [2, close],
      ],
    };
  }),
};
