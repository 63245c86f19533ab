import { headerNames, type Message, type Publisher } from "../../src/traits/index.ts";
import { isRequesting } from "../abilities.ts";
import { either } from "../engine/either.ts";
import { history } from "../engine/history.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { nameOfError } from "../model/settling.ts";
import { Relay } from "../stage/relay.ts";
import type { Stage } from "../stage/stage.ts";
import { advance, closeConnection, connect } from "../steps/faults.ts";
import { close, pull } from "../steps/receiving.ts";
import { answer as answering, ask, passOn } from "../steps/requesting.ts";
import { ack, requeue } from "../steps/settling.ts";

const name = "forwarded-request-is-answered";
const hops = ["A", "B", "C"] as const;

interface Case {
  /** For each request: over how many topics beyond the first it is passed on. */
  readonly requests: readonly number[];
  /** In which order the last of them answers. */
  readonly order: readonly number[];
}

/** Requests that are passed on as planned, and answered by the last. */
const planned: Law["property"] = scenario<Case>(() => ({
  topics: { A: {}, B: {}, C: {} },
  cases: fc.record({
    requests: fc.array(fc.constantFrom(2, 1), { minLength: 1, maxLength: 3 }),
    order: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
  }),
  play: async (stage, { requests, order }) => {
    const server = await stage.connect();
    const { publisher } = await stage.connect();
    const stops = [];
    for (const topic of hops) {
      const stop = await server.open({ topic, options: { group: "g" } });
      if (stop !== undefined) stops.push(stop);
    }
    if (stops.length < hops.length || !isRequesting(publisher)) {
      stage.violate([name, "capabilities-match"], "there is no request()", "it is claimed");
      return;
    }
    const timeoutMs = 2 * hops.length * stage.subject.timings.arrivalMs;
    const answers = requests.map((times, index) => {
      stage.trace.line(`request ${index}, to be passed on ${times === 1 ? "once" : "twice"}`);
      const request = publisher.request({ topic: stage.topic("A"), payload: String(index) }, { timeoutMs });
      return request.then(
        (reply) => reply.text(),
        (error: unknown) => nameOfError(error),
      );
    });
    await stage.rest();
    const relay = new Relay(stage, name, server.publisher, stops);
    const last = await forward(stage, relay, requests);
    if (last === undefined) return;
    for (const index of order) {
      const message = last.get(index);
      if (message !== undefined) await answer(stage, index, message, server.publisher);
    }
    for (const [index, answered] of answers.entries()) {
      const came = await stage.pace.within(answered, stage.subject.timings.arrivalMs);
      const text = came ? await answered : "nothing";
      if (text === `reply ${index}`) continue;
      stage.violate([name], `request ${index} came to: ${text}`, `it resolves with "reply ${index}"`);
    }
  },
}));

/** Requests that are requeued before they are passed on, go in circles, and are answered anywhere on their way. */
const disturbed: Law["property"] = history(({ capabilities }) => ({
  topics: { A: {}, B: {} },
  groups: [
    { topic: "A", options: { group: "g" } },
    { topic: "B", options: { group: "g" } },
  ],
  connections: 2,
  steps: [
    [5, ask],
    [7, pull],
    [4, passOn],
    [4, answering],
    [2, ack],
    [capabilities.requeue ? 1 : 0, requeue],
    [1, advance(30, 150, 500)],
    [1, close],
    [1, closeConnection],
    [1, connect],
  ],
  maxSteps: 50,
}));

export const forwardedRequestIsAnswered: Law = {
  name,
  promise:
    "If a responder publishes a request again with its headers, once or twice, the last one to get it can answer the requester.",
  claim: ({ publisher }) => (publisher.requestReply ? undefined : "its publisher says requestReply false"),
  property: either(planned, disturbed),
};

/** Passes every request on, and gives what its last responder has of it; undefined when one did not come. */
async function forward(
  stage: Stage,
  relay: Relay,
  requests: readonly number[],
): Promise<Map<number, Message> | undefined> {
  const addresses = new Map<number, string>();
  const last = new Map<number, Message>();
  for (const [hop, topic] of hops.entries()) {
    const coming = requests.filter((times) => times >= hop).length;
    for (let left = coming; left > 0; left -= 1) {
      const message = await relay.take(topic);
      if (message === undefined) return undefined;
      const index = Number(message.text());
      last.set(index, message);
      checkAddress(stage, addresses, index, message);
      const next = hops[hop + 1];
      if (next !== undefined && (requests[index] ?? 0) > hop) await relay.passOn(message, next);
    }
  }
  return last;
}

/** Where the answer goes, and what for, is the same at every hop. */
function checkAddress(stage: Stage, addresses: Map<number, string>, index: number, message: Message): void {
  const { headers } = message;
  const address = `${headers.get(headerNames.replyTo)}, correlation ${headers.get(headerNames.correlationId)}`;
  const first = addresses.get(index) ?? address;
  addresses.set(index, first);
  if (address === first) return;
  const observed = `request ${index} says that its answer goes to ${address}, and said ${first} before it was passed on`;
  stage.violate([name], observed, "a header that is published again arrives as it was");
}

async function answer(
  stage: Stage,
  index: number,
  { headers: asked }: Message,
  publisher: Publisher,
): Promise<void> {
  const line = stage.trace.line(`answer request ${index}`);
  const id = asked.get(headerNames.correlationId);
  const headers: Record<string, string> = id === undefined ? {} : { [headerNames.correlationId]: id };
  const topic = asked.get(headerNames.replyTo) ?? "";
  await publisher
    .publish({ topic, payload: `reply ${index}`, headers })
    .catch((error: unknown) => line.outcome(nameOfError(error)));
}
