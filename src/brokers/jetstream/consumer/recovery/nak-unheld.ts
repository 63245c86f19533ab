import type { CoreConnection } from "../../../nats/connection/core-connection.ts";
import { acks } from "../../message/ack.ts";
import type { Consumer } from "../../topology/topology.ts";

/** So many are given back before the server has to say that it has read them. */
const confirmEvery = 1_000;

export interface NakContext {
  readonly connection: CoreConnection;
  readonly consumer: Consumer;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Whether a message, by its sequence in the stream, is held here. */
  readonly holds: (sequence: number) => boolean;
}

/** What follows once all of it was given back. */
export interface ExpectedRedelivery {
  /** The consumer sequence of the next delivery. */
  readonly next: number;
  /** So many deliveries come again, all up to this sequence of the stream; then new ones. */
  readonly count: number;
  readonly upTo: number;
}

/**
 * Gives back what the consumer has delivered and is not held here: to a reader that died, or into a connection that was
 * lost. The server delivers it again before anything new, and need not wait for its ack deadline.
 *
 * n.b. an answer says which message it is about by its subject, so it can be given for a delivery nobody here has seen;
 * the server passes over those that are settled. Answers are read in the order they come, and requests for messages
 * apart from them: hence the wait for the last one to be confirmed.
 */
export async function nakUnheld({
  connection,
  consumer,
  timeoutMs,
  holds,
}: NakContext): Promise<ExpectedRedelivery> {
  const found = await consumer.progress();
  let nakked = 0;
  let held = 0;
  let last: string | undefined;
  for (let sequence = found.ackFloor + 1; sequence <= found.delivered.stream; sequence += 1) {
    if (found.unsettled === 0) break;
    if (holds(sequence)) {
      held += 1;
      continue;
    }
    nakked += 1;
    last = consumer.ackSubject(sequence, found.delivered.consumer);
    if (nakked % confirmEvery !== 0) connection.server.publish(last, acks.nak);
    else await confirm(last);
  }
  if (last !== undefined) await confirm(last);
  // Acks that were on their way have been read by now.
  const { delivered, unsettled } = last === undefined ? found : await consumer.progress();
  return { next: delivered.consumer + 1, count: Math.max(0, unsettled - held), upTo: delivered.stream };

  function confirm(subject: string): Promise<unknown> {
    const what = `Taking back what ${consumer} has delivered`;
    return connection.requests.send({ subject, payload: acks.nak, what, timeoutMs });
  }
}
