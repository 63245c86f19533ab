import { isTidelaneError, type RequestOptions } from "../../src/traits/index.ts";
import { isRequesting } from "../abilities.ts";
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
  // It may arrive, and need not: whoever asks learns of the answer only.
  stage.ledger.notSent(posting, wasClosed ? "publish-after-shutdown" : undefined);
  let failure: unknown;
  const answer = publisher.request(message, { timeoutMs: requestTimeoutMs, ...options }).then(
    () => undefined,
    (error: unknown) => {
      failure = error ?? new Error("nothing");
    },
  );
  connection.requests.add(answer);
  await stage.track(`request #${facts.id}`, ["request-reply", "shutdown-idempotent"], answer);
  connection.requests.delete(answer);
  line.outcome(failure === undefined ? "a reply" : nameOfError(failure));
  judge(stage, connection, { wasClosed, failure, name: `request #${facts.id}` });
  return failure;
}

function judge(
  stage: Stage,
  connection: ConnectionActor,
  { wasClosed, failure, name }: { wasClosed: boolean; failure: unknown; name: string },
): void {
  const closed = isTidelaneError(failure, "TIDELANE_CONNECTION_CLOSED");
  const answer = failure === undefined ? "resolved" : `rejected with ${nameOfError(failure)}`;
  if (wasClosed && !closed) connection.violateClosed(`${name} ${answer}`);
  const ended = connection.state !== "open";
  const known = closed
    ? ended
    : isTidelaneError(failure, "TIDELANE_TIMEOUT")
      ? !ended
      : isTidelaneError(failure, "TIDELANE_ABORTED");
  if (wasClosed || known) return;
  const expected =
    "a request that nobody answers rejects by its timeout, its signal, or the end of its connection";
  stage.violate(["request-reply", "shutdown-idempotent"], `${name} ${answer}`, expected);
}
