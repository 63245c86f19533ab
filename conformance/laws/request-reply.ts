import { headerNames, type Message } from "../../src/traits/index.ts";
import { isRequesting } from "../abilities.ts";
import { either } from "../engine/either.ts";
import { history } from "../engine/history.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";
import { Requests } from "../stage/requests.ts";
import type { Stage } from "../stage/stage.ts";
import { advance, closeConnection, connect, kill } from "../steps/faults.ts";
import { publish } from "../steps/publishing.ts";
import { close, pull } from "../steps/receiving.ts";
import { answer, ask } from "../steps/requesting.ts";
import { ack, requeue } from "../steps/settling.ts";

/** How a request is answered: in time, in time and once more, when it has given up, or never. */
const answers = fc.constantFrom("in time", "twice", "late", "never");

const name = ["request-reply"] as const;

/** Requests that nobody disturbs, each answered as planned. */
const planned: Law["property"] = scenario(() => ({
  cases: fc.record({
    requests: fc.array(answers, { minLength: 1, maxLength: 4 }),
    order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
  }),
  play: async (stage, { requests: plans, order }) => {
    const server = await stage.connect();
    const client = await stage.connect();
    const subscriber = await server.open({ topic: "A", options: { group: "g" } });
    if (subscriber === undefined || !isRequesting(client.publisher)) {
      stage.violate([...name, "capabilities-match"], "there is no request()", "it is claimed");
      return;
    }
    const requests = new Requests(stage, client.publisher);
    for (const [index, plan] of plans.entries()) requests.send(index, plan);
    await stage.rest();
    const iterator = subscriber.handle[Symbol.asyncIterator]();
    const asked = new Map<number, Message>();
    for (let left = plans.length; left > 0; left -= 1) {
      const next = iterator.next();
      if (!(await stage.pace.within(next, stage.subject.timings.arrivalMs))) {
        stage.violate(name, "a request did not arrive", "it is published like any message");
        return;
      }
      const { value } = await next;
      if (value === undefined) return;
      await value.ack();
      asked.set(Number(value.text()), value);
    }
    checkInboxes(stage, [...asked.values()]);
    const inOrder = order.filter((index) => index < plans.length);
    for (const index of inOrder) {
      const plan = plans[index];
      const times = plan === "twice" ? 2 : plan === "in time" ? 1 : 0;
      for (let left = times; left > 0; left -= 1)
        await requests.answer(index, asked.get(index), server.publisher);
    }
    await requests.timeOut();
    for (const index of inOrder) {
      if (plans[index] === "late") await requests.answer(index, asked.get(index), server.publisher);
    }
    await stage.rest();
    await requests.checkAll();
  },
}));

/** Responders that close or die, requesters that go, answers that come twice, too late, or from somebody else. */
const disturbed: Law["property"] = history(({ capabilities, fixture }) => ({
  groups: [{ topic: "A", options: { group: "g" } }],
  connections: 2,
  steps: [
    [1, publish()],
    [6, ask],
    [6, pull],
    [6, answer],
    [2, ack],
    [capabilities.requeue ? 1 : 0, requeue],
    [2, advance(30, 150, 500)],
    [1, close],
    [fixture.kill === undefined ? 0 : 1, kill],
    [1, closeConnection],
    [1, connect],
  ],
  maxSteps: 50,
}));

export const requestReply: Law = {
  name: "request-reply",
  promise:
    "request() resolves with the first reply to this request, or rejects with TimeoutError when its time is over. A late reply answers no other request.",
  claim: ({ publisher }) => (publisher.requestReply ? undefined : "its publisher says requestReply false"),
  property: either(planned, disturbed),
};

/** Every request has an inbox of its own, or an id of its own. */
function checkInboxes(stage: Stage, asked: readonly Message[]): void {
  const addresses = asked.map(
    ({ headers }) => `${headers.get(headerNames.replyTo)} ${headers.get(headerNames.correlationId)}`,
  );
  if (asked.some(({ headers }) => !headers.get(headerNames.replyTo))) {
    stage.violate(name, "a request has no reply-to header", "it says where the reply goes");
  }
  if (new Set(addresses).size < addresses.length) {
    stage.violate(name, "two requests wait for replies at one address", "a reply belongs to one request");
  }
}
