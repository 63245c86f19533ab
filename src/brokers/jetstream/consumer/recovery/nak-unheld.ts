import type { CoreConnection } from "../../../nats/connection/core-connection.ts";
import { acks } from "../../message/ack.ts";
import type { Consumer } from "../../topology/topology.ts";

/** After this many naks the server has to confirm that it has read them. */
const confirmEvery = 1_000;

export interface NakContext {
  readonly connection: CoreConnection;
  readonly consumer: Consumer;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Whether a message, by its sequence in the stream, is held here. */
  readonly holds: (sequence: number) => boolean;
}

/** What the server delivers once the naks are read. */
export interface ExpectedRedelivery {
  /** The consumer sequence of the next delivery. */
  readonly next: number;
  /** So many deliveries come again, all up to the stream sequence `upTo`; then new ones. */
  readonly count: number;
  readonly upTo: number;
}

/**
 * Naks every delivery of the consumer that is not held here: a reader that died had it, or it was sent into a connection
 * that was lost. The server delivers it again before anything new, without waiting for its ack deadline.
 *
 * The subject of a nak names its delivery, so one can be sent for a delivery that nobody here has seen. The server ignores
 * those that are settled. It reads naks in order, but pull requests apart from them, so the last nak has to be confirmed.
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
