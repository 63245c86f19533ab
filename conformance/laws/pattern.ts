import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { pull } from "../steps/receiving.ts";
import { ack, requeue } from "../steps/settling.ts";

export const pattern: Law = {
  name: "pattern",
  promise: "A subscription by pattern gets exactly the topics that match, each under its own name.",
  claim: ({ fixture }) =>
    fixture.patternSource === undefined || fixture.patterns === undefined
      ? "the fixture has no patternSource and patterns"
      : undefined,
  property: history(({ capabilities, fixture }) => ({
    // "a-x" has no dot where a regular expression takes any character for one.
    topics: { "a.x": {}, "a.y": {}, "b.x": {}, a: {}, "a.x.z": {}, "A.x": {}, "a-x": {} },
    groups: [
      { topic: "a.*", pattern: true, options: { group: "g" } },
      { topic: "*.x", pattern: true, options: { group: "g" } },
      ...(fixture.patterns?.rest === undefined
        ? []
        : [{ topic: "a.>", pattern: true, options: { group: "g" } }]),
    ],
    steps: [
      [6, publish()],
      [8, pull],
      [2, ack],
      [capabilities.requeue ? 1 : 0, requeue],
    ],
    maxSteps: 50,
  })),
};
