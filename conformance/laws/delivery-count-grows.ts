import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { advance, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull, take } from "../steps/receiving.ts";
import { ack, delay, requeue } from "../steps/settling.ts";

export const deliveryCountGrows: Law = {
  name: "delivery-count-grows",
  promise: "The delivery count is 1 at the first delivery, and grows with each further one.",
  claim: ({ capabilities }) =>
    capabilities.deliveryCount === "none" ? 'its capabilities say deliveryCount "none"' : undefined,
  property: history(({ capabilities, fixture }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    steps: [
      [3, publish()],
      [7, pull],
      [1, take],
      [capabilities.requeue ? 5 : 0, requeue],
      [capabilities.requeue ? 2 : 0, delay],
      [1, ack],
      [2, close],
      [fixture.kill === undefined ? 0 : 1, kill],
      [1, connect],
      [1, advance(300)],
    ],
  })),
};
