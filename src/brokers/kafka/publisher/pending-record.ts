import type { Fifo } from "../../../structures/fifo.ts";
import { TimeoutError } from "../../../traits/errors.ts";
import { type CallAnswer, PendingCall } from "../../shared/pending-call.ts";
import type { TimedCall } from "../../shared/pending-calls.ts";
import type { ClientHeaders, ClientMessage } from "../client.ts";

export interface RecordOwner {
  /** How long a record may wait. */
  readonly timeoutMs: number;
  /** The record waits no longer. */
  over(record: PendingRecord): void;
}

/** A published record that waits for its confirmation. */
export class PendingRecord extends PendingCall<void> implements TimedCall {
  readonly topic: string;
  readonly message: ClientMessage;
  /** About what it takes on the wire. */
  readonly bytes: number;
  readonly due: number;
  readonly #owner: RecordOwner;

  constructor(
    topic: string,
    message: ClientMessage,
    call: { readonly due: number; readonly signal: AbortSignal | undefined; readonly owner: RecordOwner },
    answer: CallAnswer<void>,
  ) {
    super("publish()", call.signal, answer);
    this.topic = topic;
    this.message = message;
    this.bytes = sizeOf(message);
    this.due = call.due;
    this.#owner = call.owner;
  }

  /** A record that is on its way may arrive all the same. */
  expire(): void {
    const { timeoutMs } = this.#owner;
    this.reject(new TimeoutError({ what: `The publish to "${this.topic}"`, timeoutMs }));
  }

  protected override onOver(): void {
    this.#owner.over(this);
  }
}

/** Lets go of the oldest records that are over, so that an outage does not collect what has expired in it. */
export function dropOver(records: Fifo<PendingRecord>): void {
  while (records.peek()?.over === true) records.shift();
}

/** What a record takes beside its key, value and headers, at most. */
const recordOverhead = 32;

function sizeOf({ key, value, headers }: ClientMessage): number {
  return recordOverhead + (key?.byteLength ?? 0) + (value?.byteLength ?? 0) + sizeOfHeaders(headers);
}

function sizeOfHeaders(headers: ClientHeaders): number {
  let bytes = 0;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    for (const one of Array.isArray(value) ? value : [value ?? ""]) {
      bytes += Buffer.byteLength(name) + Buffer.byteLength(one) + 8;
    }
  }
  return bytes;
}
