import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { Stage } from "../stage/stage.ts";
import type { GroupSpec } from "../stage/subscriber-actor.ts";
import { openConnections } from "./publishing.ts";
import { gap, pick, picked, Step } from "./step.ts";

/** Opens another subscriber of one of the groups of the history, up to `most` of one group at a time. */
export function openAnother(most: number): Arbitrary<Step> {
  return fc.tuple(pick, pick, gap).map(([index, connection, gapped]) => {
    const room = (stage: Stage, spec: GroupSpec): boolean =>
      stage.subscribers.filter((each) => each.seat.state === "open" && each.spec === spec).length < most;
    return new Step({
      name: "open",
      ready: (stage) => openConnections(stage).length > 0 && room(stage, picked(stage.groups, index)),
      act: (stage) => picked(openConnections(stage), connection).open(picked(stage.groups, index)),
      gap: gapped,
    });
  });
}
