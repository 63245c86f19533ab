import { all, ordered } from "../claims.ts";
import { history } from "../engine/history.ts";
import { fc } from "../fast-check.ts";
import type { StrictPromises } from "../fixture.ts";
import type { Law } from "../law.ts";
import { request } from "../steps/ending.ts";
import { advance } from "../steps/faults.ts";
import { keys, publish } from "../steps/publishing.ts";
import { breakLoop, close, pull, take } from "../steps/receiving.ts";
import { ack, delay, requeue } from "../steps/settling.ts";

const contents = keys.map((key) => ({ key }));
const by = fc.constantFrom<("first" | "second")[]>("first", "first", "second");

/** If the broker may prefetch, a requeue ends what the order can show. So requeues are rarer there. */
function calm({ noPrefetch }: StrictPromises): number {
  return noPrefetch === true ? 1 : 5;
}

export const keyOrder: Law = {
  name: "key-order",
  promise:
    "First deliveries of a key come in the order of the publishes and requests of one publisher, or of two publishers if the first publish was confirmed before the second began.",
  claim: all(ordered),
  property: history(({ capabilities, publisher, promises }) => ({
    groups: [{ topic: "A", options: { group: "g" } }],
    connections: 2,
    steps: [
      [7 * calm(promises), publish(contents, undefined, by)],
      [publisher.requestReply ? 2 * calm(promises) : 0, request],
      [7 * calm(promises), pull],
      [2 * calm(promises), take],
      [2 * calm(promises), ack],
      [capabilities.requeue ? 2 : 0, requeue],
      [capabilities.requeue ? 1 : 0, delay],
      [1, advance(60, 300)],
      [1, breakLoop],
      [1, close],
    ],
  })),
};
