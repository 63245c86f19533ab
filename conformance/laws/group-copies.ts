import { groups } from "../claims.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, drop, requeue } from "../steps/settling.ts";

export const groupCopies: Law = {
  name: "group-copies",
  promise:
    "Each group, and each subscription without a group, gets its own copy of every message, whatever others do with theirs.",
  claim: groups,
  property: history(({ capabilities }) => ({
    groups: [
      { topic: "A", options: { group: "g" } },
      { topic: "A", options: { group: "h" } },
      { topic: "A", options: {} },
    ],
    steps: [
      [4, publish()],
      [8, pull],
      [3, ack],
      [1, drop],
      [capabilities.requeue ? 1 : 0, requeue],
      [1, close],
    ],
  })),
};
