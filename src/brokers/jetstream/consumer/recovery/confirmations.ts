import { RequestFault } from "../../../nats/errors.ts";
import type { RepeatedRequest } from "../../../nats/publisher/requests.ts";
import { acks } from "../../message/ack.ts";
import { type JetStreamMessage, revokedError } from "../../message/message.ts";
import type { PullContext } from "../pull-context.ts";

interface Confirmation {
  readonly request: RepeatedRequest;
  /** The consumer was found again since it was made: the server may have forgotten the delivery, and deliver it again. */
  doubtful: boolean;
  /** It waits until the consumer is found. */
  held: boolean;
}

/**
 * Acks that the server has to confirm. A server that was killed knows of a delivery only what it had written to disk: it
 * takes no ack for one it has forgotten, and says nothing. So they are sent again when the consumer is found again, and
 * when the message is delivered again.
 */
export class Confirmations {
  readonly #context: PullContext;
  readonly #waiting = new Map<JetStreamMessage, Confirmation>();

  constructor(context: PullContext) {
    this.#context = context;
  }

  /** How many may have to be delivered again before they are confirmed. */
  get doubtful(): number {
    let count = 0;
    for (const { doubtful } of this.#waiting.values()) if (doubtful) count += 1;
    return count;
  }

  /** `reachable`: whether acks reach the consumer. Where they do not, it is sent when they do. */
  async confirm(message: JetStreamMessage, reachable: boolean): Promise<void> {
    const { connection, confirmMs: timeoutMs } = this.#context;
    const call = { subject: message.ackSubject, payload: acks.ack, timeoutMs };
    const request = connection.requests.prepare({ ...call, what: "The confirmation of an ack" });
    const confirmation: Confirmation = { request, doubtful: false, held: !reachable };
    this.#waiting.set(message, confirmation);
    if (reachable) request.send(message.ackSubject);
    try {
      await request.answer;
    } catch (error) {
      if (message.revoked) throw message.revoked;
      throw error instanceof RequestFault ? revokedError(message, error) : error;
    } finally {
      this.#waiting.delete(message);
    }
  }

  connectionLost(): void {
    for (const confirmation of this.#waiting.values()) confirmation.held = true;
  }

  consumerFound(): void {
    for (const [message, confirmation] of this.#waiting) {
      confirmation.held = false;
      confirmation.doubtful = true;
      confirmation.request.send(message.ackSubject);
    }
  }

  /** It was delivered again while it is held here, and has another ack subject. */
  renewed(message: JetStreamMessage): void {
    const confirmation = this.#waiting.get(message);
    if (confirmation?.held === false) confirmation.request.send(message.ackSubject);
  }

  /** Those that wait for the consumer, of deliveries that are revoked, reject. */
  rejectRevoked(): void {
    for (const [{ revoked }, { held, request }] of this.#waiting) {
      if (held && revoked !== undefined) request.reject(revoked);
    }
  }
}
