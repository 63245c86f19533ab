import { DecodeError, SettleUnsupportedError } from "../../../traits/errors.ts";
import { headerNames, MessageHeaders, partitionKeyIn } from "../../../traits/headers.ts";
import { Message } from "../../../traits/message.ts";
import { reportError } from "../../shared/error-report.ts";
import type { ClientMessage } from "../client.ts";
import { fromClient } from "./headers.ts";

interface BothHeaders {
  readonly headers: MessageHeaders;
  readonly reserved: MessageHeaders;
}

/** A message of the client. Payload and headers are read when they are asked for. */
export abstract class ClientDelivery extends Message {
  protected readonly client: ClientMessage;
  #payload: Uint8Array | undefined = undefined;
  #headers: BothHeaders | undefined = undefined;

  constructor(client: ClientMessage) {
    super();
    this.client = client;
  }

  get topic(): string {
    return this.client.subject;
  }

  get payload(): Uint8Array {
    if (this.#payload === undefined) {
      const { buffer, byteOffset, byteLength } = this.client.data;
      this.#payload = new Uint8Array(buffer, byteOffset, byteLength);
    }
    return this.#payload;
  }

  get headers(): MessageHeaders {
    return this.#both().headers;
  }

  /** The headers that the server sets, whose names begin with "Nats-". They are not in `headers`. */
  get serverHeaders(): MessageHeaders {
    return this.#both().reserved;
  }

  override get partitionKey(): string | undefined {
    return partitionKeyIn(this.headers);
  }

  protected readHeaders(): BothHeaders {
    try {
      return fromClient(this.client.headers);
    } catch (cause) {
      // The clients refuse all headers of a message if they refuse the name of one.
      const reason = "the client cannot read its headers, so they are left out";
      const error = new DecodeError({ topic: this.topic, reason, cause });
      reportError({ topic: this.topic, error, message: this });
      return { headers: MessageHeaders.empty, reserved: MessageHeaders.empty };
    }
  }

  #both(): BothHeaders {
    this.#headers ??= this.readHeaders();
    return this.#headers;
  }
}

/**
 * A message of a subject. There is nothing to settle: `ack()` and a drop resolve, and a requeue rejects with
 * `SettleUnsupportedError`.
 */
export class NatsMessage extends ClientDelivery {
  protected override readHeaders(): BothHeaders {
    const both = super.readHeaders();
    const { reply } = this.client;
    if (!reply || both.headers.has(headerNames.replyTo)) return both;
    return { ...both, headers: both.headers.with(headerNames.replyTo, reply) };
  }

  protected override sendAck(): void {}

  protected override sendNack(requeue: boolean): void {
    if (!requeue) return;
    throw new SettleUnsupportedError({
      topic: this.topic,
      settle: "A requeue",
      reason: "NATS subjects deliver at most once; a JetStream source can redeliver",
    });
  }
}
