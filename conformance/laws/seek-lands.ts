import type { Arbitrary } from "fast-check";
import { isSeekable } from "../abilities.ts";
import { all, source } from "../claims.ts";
import { either } from "../engine/either.ts";
import { history } from "../engine/history.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { LogReader } from "../stage/log-reader.ts";
import { batchLoop } from "../steps/batching.ts";
import { advance, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, close, pause, pull, resume, take } from "../steps/receiving.ts";
import { seekAway, seekBack, seekGone, seekStart, seekToEnd } from "../steps/seeking.ts";
import { ack, delay, requeue, settleRevoked } from "../steps/settling.ts";

type Move = { readonly seek: number } | { readonly pull: number } | { readonly what: string };

const move: Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 5 }).map((index) => ({ seek: index })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }).map((pull) => ({ pull })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("start", "end", "unavailable", "publish").map((what) => ({ what })),
  },
);

/** Moves by one reader, each with all it may do: the reference is a list and a cursor. */
const reading: Law["property"] = scenario<{ messages: number; acked: boolean; moves: Move[] }>(
  ({ fixture }) => ({
    topics: { A: { retained: true } },
    cases: fc.record({
      messages: fc.integer({ min: 1, max: 5 }),
      acked: fc.boolean(),
      moves: fc.array(move, { minLength: 1, maxLength: 6 }),
    }),
    play: async (stage, { messages, acked, moves }) => {
      const connection = await stage.connect();
      const subscriber = await connection.open({ topic: "A", options: { group: "g", retained: true } });
      if (subscriber === undefined || !isSeekable(subscriber.handle)) {
        stage.violate(["seek-lands", "capabilities-match"], "there is no seek()", "it is claimed");
        return;
      }
      const reader = new LogReader(stage, connection, subscriber.handle, acked);
      for (let left = messages; left > 0; left -= 1) await reader.publish();
      await reader.pull(messages);
      for (const step of moves) {
        if ("seek" in step) await reader.seekTo(step.seek);
        else if ("pull" in step) await reader.pull(step.pull);
        else if (step.what === "publish") await reader.publish();
        else if (step.what === "start") await reader.seekNamed("start", fixture.positions?.start, 0);
        else if (step.what === "end") await reader.seekNamed("end", fixture.positions?.end, reader.length);
        else await reader.seekNowhere(fixture.positions?.unavailable);
        stage.check();
      }
      await reader.pull(reader.length);
    },
  }),
);

/** Moves among all else that happens to a group: waiting calls, delays, batches, other members, ends. */
const meeting: Law["property"] = history(({ capabilities, fixture }) => ({
  topics: { A: { retained: true } },
  groups: [{ topic: "A", options: { group: "g", retained: true, maxInFlight: 4 } }],
  // On a server, the members of a group learn of a seek one after the other.
  seats: fixture.time === "virtual" ? [0, 0] : [0],
  steps: [
    [5, publish()],
    [7, pull],
    [1, take],
    [2, ack],
    [capabilities.requeue ? 1 : 0, requeue],
    [capabilities.requeue ? 2 : 0, delay],
    [1, advance(60, 300)],
    [3, seekBack],
    [1, seekStart],
    [2, seekToEnd],
    [1, seekAway],
    [1, seekGone],
    [1, settleRevoked],
    [1, batchLoop],
    [1, breakLoop],
    [capabilities.pause ? 1 : 0, pause],
    [capabilities.pause ? 1 : 0, resume],
    [2, close],
    [fixture.kill === undefined ? 0 : 1, kill],
    [1, connect],
  ],
  connections: 2,
  opens: { weight: 2, most: fixture.time === "virtual" ? 2 : 1 },
  maxSteps: 50,
}));

export const seekLands: Law = {
  name: "seek-lands",
  promise:
    "After seek(position) the next delivery is the one at that position, and then come those after it. Deliveries in flight are revoked. A position that the log does not hold moves nothing.",
  claim: all(
    source({ retained: true }, ({ seek }) => seek, "seek false"),
    source({ retained: true }, ({ backlog }) => backlog === true, "backlog false for a retained topic"),
  ),
  property: either(reading, meeting),
};
