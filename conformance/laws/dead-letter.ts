import type { Arbitrary } from "fast-check";
import { all, requeues, source } from "../claims.ts";
import { type Contents, keys, richContents, richHeaders } from "../content/contents.ts";
import { history } from "../engine/history.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { ack, drop, requeue } from "../steps/settling.ts";

const setAside = { topic: "D", maxDeliveries: 2 };

/** What a dead letter has to keep: bytes that are no text, the key, headers, duplicates among them. */
const contents: Arbitrary<Contents> = fc.oneof(
  { withCrossShrink: true },
  fc.record({ key: keys }),
  richHeaders,
  richContents,
);

export const deadLetter: Law = {
  name: "dead-letter",
  promise:
    "A message that is dropped, or was delivered maxDeliveries times, is dead-lettered once, with its bytes, key and headers, the reason, the source and the attempts.",
  claim: all(
    requeues,
    source(
      { deadLetter: { topic: "tidelane-conformance-dead", maxDeliveries: 2 } },
      (capabilities) => capabilities.deadLetter,
      "deadLetter false for a source that asks for one",
    ),
  ),
  property: history(() => ({
    topics: { A: {}, D: {} },
    groups: [
      { topic: "A", options: { group: "g", deadLetter: setAside } },
      { topic: "D", options: { group: "d" } },
    ],
    steps: [
      [4, publish(contents, ["A"])],
      [7, pull],
      [4, requeue],
      [2, drop],
      [1, ack],
      [1, close],
    ],
    maxSteps: 50,
  })),
};
