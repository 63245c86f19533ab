import type { Arbitrary } from "fast-check";
import { headerNames, type Message } from "../../src/traits/index.ts";
import { isRequesting } from "../abilities.ts";
import { fc } from "../fast-check.ts";
import { idHeader } from "../model/posting.ts";
import type { Delivery } from "../model/records.ts";
import { RequestActor } from "../stage/request-actor.ts";
import type { Stage } from "../stage/stage.ts";
import { openConnections } from "./publishing.ts";
import { gap, pick, picked, Step } from "./step.ts";

const laws = ["request-reply", "forwarded-request-is-answered"] as const;

/** Requests of one connection that may wait at once. */
const mostWaiting = 3;

function askers(stage: Stage): Stage["connections"] {
  return openConnections(stage).filter(
    ({ publisher, requests }) =>
      stage.subject.publisher.requestReply && isRequesting(publisher) && requests.size < mostWaiting,
  );
}

/** A request to one of the topics, which other steps may answer. */
export const ask: Arbitrary<Step> = fc.tuple(pick, pick, fc.constantFrom(100, 400, 40), gap).map(
  ([index, topic, timeoutMs, gapped]) =>
    new Step({
      name: "ask",
      ready: (stage) => askers(stage).length > 0,
      act: (stage) => {
        const connection = picked(askers(stage), index);
        if (!isRequesting(connection.publisher)) return undefined;
        // In real time, no step moves the clock. So a request waits longer, for the steps that answer it.
        const facts = {
          topic: picked(Object.keys(stage.topics), topic),
          timeoutMs: stage.pace.virtual ? timeoutMs : timeoutMs * 10,
        };
        const request = new RequestActor(stage, connection, connection.publisher, facts);
        stage.asked.push(request);
        return undefined;
      },
      gap: gapped,
    }),
);

/** Answers a request that was delivered, whoever has it now and whether or not it was answered, or is over. */
export const answer: Arbitrary<Step> = fc.tuple(pick, pick, gap).map(
  ([index, connection, gapped]) =>
    new Step({
      name: "answer",
      ready: (stage) => openConnections(stage).length > 0 && delivered(stage).length > 0,
      act: (stage) => {
        const { message, request } = picked(delivered(stage), index);
        return request.reply(message, picked(openConnections(stage), connection));
      },
      gap: gapped,
    }),
);

/** Publishes a request that is held to another topic, with its headers: whoever is given that may answer it. */
export const passOn: Arbitrary<Step> = fc.tuple(pick, pick, pick, gap).map(
  ([index, connection, topic, gapped]) =>
    new Step({
      name: "pass on",
      ready: (stage) => openConnections(stage).length > 0 && delivered(stage).length > 0,
      act: (stage) => {
        const { message, request } = picked(delivered(stage), index);
        const label = picked(Object.keys(stage.topics), topic);
        request.published(label);
        stage.trace.line(`pass on ${request.name}`);
        const headers = [...message.headers].filter(([name]) => name.toLowerCase() !== idHeader);
        return picked(openConnections(stage), connection).publish({
          topic: label,
          headers,
        });
      },
      gap: gapped,
    }),
);

interface Asked {
  readonly message: Message;
  readonly request: RequestActor;
}

/** Deliveries that ask for an answer, the latest first. Each request has an address of its own. */
function delivered(stage: Stage): Asked[] {
  const found: Asked[] = [];
  for (const delivery of stage.ledger.deliveries) {
    const request = requestOf(stage, delivery);
    if (request !== undefined) found.unshift({ message: delivery.message, request });
  }
  return found;
}

function requestOf(stage: Stage, { copy, message }: Delivery): RequestActor | undefined {
  const address = addressOf(message);
  const direct = stage.asked.find(({ posting }) => posting.id === copy.posting.id);
  if (direct === undefined) {
    return address === undefined ? undefined : stage.asked.find((other) => other.address === address);
  }
  if (address === undefined) {
    stage.violate(laws, `${direct.name} has no reply-to header`, "it says where the reply goes");
    return undefined;
  }
  const known = direct.address ?? address;
  direct.address = known;
  if (known !== address)
    stage.violate(laws, `${direct.name} changed its address`, "its answer goes to one place");
  if (stage.asked.some((other) => other !== direct && other.address === address)) {
    stage.violate(laws, "two requests wait for replies at one address", "a reply belongs to one request");
  }
  return direct;
}

function addressOf({ headers }: Message): string | undefined {
  const replyTo = headers.get(headerNames.replyTo);
  return replyTo ? `${replyTo} ${headers.get(headerNames.correlationId)}` : undefined;
}
