import type { Arbitrary } from "fast-check";
import { isSeekable } from "../abilities.ts";
import { all, source } from "../claims.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { LogReader } from "../stage/log-reader.ts";

type Move = { readonly seek: number } | { readonly pull: number } | { readonly what: string };

const move: Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.nat({ max: 5 }).map((index) => ({ seek: index })) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 4 }).map((pull) => ({ pull })) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("start", "end", "unavailable", "publish").map((what) => ({ what })),
  },
);

export const seekLands: Law = {
  name: "seek-lands",
  promise:
    "After seek(position) the next delivery is the one at that position, and then those after it; what was in flight is lost; a position that is not there moves nothing.",
  claim: all(
    source({ retained: true }, ({ seek }) => seek, "seek false"),
    source({ retained: true }, ({ backlog }) => backlog === true, "backlog false for a retained topic"),
  ),
  property: scenario<{ messages: number; acked: boolean; moves: Move[] }>(({ fixture }) => ({
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
  })),
};
