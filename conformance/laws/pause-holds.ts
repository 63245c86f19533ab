import { source } from "../claims.ts";
import { either } from "../engine/either.ts";
import { history } from "../engine/history.ts";
import type { Law } from "../law.ts";
import { batchLoop } from "../steps/batching.ts";
import { advance } from "../steps/faults.ts";
import { flood } from "../steps/pausing.ts";
import { publish } from "../steps/publishing.ts";
import { breakLoop, close, pause, pull, resume, take } from "../steps/receiving.ts";
import { seekBack, seekStart } from "../steps/seeking.ts";
import { ack, delay, requeue } from "../steps/settling.ts";
import type { Subject } from "../subject.ts";

/** A broker that prefetches may hand out what it had asked for before the pause: no more than its bound. */
const bound = 2;

const plain: Law["property"] = history(({ capabilities }) => ({
  groups: [{ topic: "A", options: { group: "g", maxInFlight: bound } }],
  steps: [
    [5, publish()],
    [6, pull],
    [1, take],
    [4, pause],
    [3, flood],
    [2, resume],
    [3, ack],
    [capabilities.requeue ? 1 : 0, requeue],
    [1, close],
  ],
  maxSteps: 50,
}));

/** A batch that forms is handed out all the same, with what it had; what a seek or a delay brings back waits. */
const meeting: Law["property"] = history(({ capabilities, fixture }) => ({
  topics: { A: { retained: true } },
  // On a server, the members of a group learn one after the other that it was moved.
  opens: { weight: 2, most: fixture.time === "virtual" ? 2 : 1 },
  groups: [{ topic: "A", options: { group: "g", retained: capabilities.seek } }],
  steps: [
    [5, publish()],
    [4, pull],
    [capabilities.batches ? 3 : 0, batchLoop],
    [2, breakLoop],
    [3, pause],
    [2, resume],
    [2, ack],
    [capabilities.requeue ? 1 : 0, requeue],
    [capabilities.requeue ? 1 : 0, delay],
    [2, advance(10, 60, 300)],
    [2, seekBack],
    [1, seekStart],
    [1, close],
  ],
  maxSteps: 50,
}));

export const pauseHolds: Law = {
  name: "pause-holds",
  promise:
    "A paused subscriber gets only messages that had already arrived. After resume() it gets the others.",
  claim: source({}, ({ pause: pauses }) => pauses, "pause false"),
  blind: (subject) =>
    subject.promises.noPrefetch === true || takesBound(subject)
      ? undefined
      : "it prefetches, and takes no maxInFlight that says how much may be on its way when it is paused",
  property: either(plain, meeting),
};

function takesBound({ fixture }: Subject): boolean {
  const { capabilities } = fixture.source("tidelane-conformance", { group: "claims", maxInFlight: bound });
  return capabilities.maxInFlight === bound;
}
