import { isTidelaneError, type RequestOptions } from "../../src/traits/index.ts";
import { isRequesting } from "../abilities.ts";
import type { Seat } from "../model/records.ts";
import { nameOfError } from "../model/settling.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import { compose } from "./outgoing.ts";
import type { Stage } from "./stage.ts";

/** How long a request of a history waits that nobody answers. */
const requestTimeoutMs = 5_000;

/**
 * A request into a topic where nobody answers. It ends by its timeout, by the end of its connection, or by its signal.
 * Resolves with the error; never rejects.
 */
export async function requestInVain(
  stage: Stage,
  connection: ConnectionActor,
  topic: string,
  options: Omit<RequestOptions, "timeoutMs"> = {},
): Promise<unknown> {
  const { publisher } = connection;
  if (!isRequesting(publisher)) return undefined;
  const { posting: facts, message, text } = compose(stage, { topic }, connection.name);
  const posting = stage.ledger.sending({ ...facts, request: true });
  const line = stage.trace.line(`request ${text}${connection.label}`);
  const wasClosed = connection.state === "closed";
  const { crashes } = connection;
  const listeners = listenersOf(stage, topic);
  // It may arrive, and need not: whoever asks learns of the answer only.
  stage.ledger.notSent(posting, wasClosed ? "publish-after-close" : undefined);
  let failure: unknown;
  const answer = publisher.request(message, { timeoutMs: requestTimeoutMs, ...options }).then(
    () => undefined,
    (error: unknown) => {
      failure = error ?? new Error("nothing");
    },
  );
  connection.requests.add(answer);
  await stage.track(`request #${facts.id}`, ["request-reply", "close-idempotent"], answer);
  connection.requests.delete(answer);
  line.outcome(failure === undefined ? "a reply" : nameOfError(failure));
  const heard = listenersOf(stage, topic).some((seat) => listeners.includes(seat));
  const crashed = connection.crashes > crashes;
  judge(stage, connection, { wasClosed, heard, crashed, failure, name: `request #${facts.id}` });
  return failure;
}

/** Who is subscribed to the topic, or may be already. */
export function listenersOf(stage: Stage, label: string): Seat[] {
  const seats = stage.subscribers.map(({ seat }) => seat);
  return seats.filter(
    ({ state, group }) =>
      (state === "open" || state === "opening") && group.target.covers(stage.topic(label)),
  );
}

interface Asked {
  readonly wasClosed: boolean;
  /** Somebody was subscribed to the topic all the time. */
  readonly heard: boolean;
  /** Its connection was lost meanwhile. */
  readonly crashed: boolean;
  readonly failure: unknown;
  readonly name: string;
}

function judge(stage: Stage, connection: ConnectionActor, asked: Asked): void {
  const { wasClosed, failure, name } = asked;
  const closed = isTidelaneError(failure, "TIDELANE_CONNECTION_CLOSED");
  const answer = failure === undefined ? "resolved" : `rejected with ${nameOfError(failure)}`;
  if (wasClosed && !closed) connection.violateClosed(`${name} ${answer}`);
  if (wasClosed || mayEndBy(asked, connection.state)) return;
  const expected =
    "a request that nobody answers rejects by its timeout, its signal, the end of its connection, or where nobody is subscribed";
  stage.violate(["request-reply", "close-idempotent"], `${name} ${answer}`, expected);
}

/** Whether a request that nobody answers may come to this. */
export function mayEndBy(
  { failure, heard, crashed }: Pick<Asked, "failure" | "heard" | "crashed">,
  connection: ConnectionActor["state"],
): boolean {
  if (isTidelaneError(failure, "TIDELANE_CONNECTION_CLOSED")) return connection !== "open";
  if (isTidelaneError(failure, "TIDELANE_TIMEOUT")) return connection === "open";
  if (isTidelaneError(failure, "TIDELANE_ABORTED")) return true;
  if (!isTidelaneError(failure, "TIDELANE_PUBLISH_FAILED")) return false;
  // A broker that knows that nobody is there need not wait.
  if (!heard) return true;
  // A connection that reconnects by itself has not ended, but its replies are gone.
  return crashed && connection !== "closed" && failure.retryable;
}
