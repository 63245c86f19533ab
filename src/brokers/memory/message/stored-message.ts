import type { MessageHeaders } from "../../../traits/headers.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";

/** The topic of a message. It counts the groups that owe the message. */
export interface MessageTopic {
  readonly name: string;
  /** One more group owes it. */
  own(stored: StoredMessage): void;
  /** One group less owes it. */
  release(stored: StoredMessage): void;
  /** A group that is over owes these no longer. */
  giveBack(owed: readonly StoredMessage[]): void;
}

/** A published message, kept once however many groups have it. */
export class StoredMessage {
  readonly topic: MessageTopic;
  /** Its place in its topic, from 1. */
  readonly sequence: number;
  /** Its place among all messages of the broker: what groups over several topics go by. */
  readonly order: number;
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
  readonly key: string | undefined;
  /** When it was published, where its topic retains by age; 0 elsewhere. */
  readonly at: number;
  /** How many groups have not settled it: queued, delayed or in flight there. Changed by its topic only. */
  owed = 0;
  /** Whether some group was done with it: acked it, dropped it, or set it aside. */
  settled = false;

  constructor(topic: MessageTopic, sequence: number, order: number, message: CheckedMessage, at: number) {
    this.topic = topic;
    this.sequence = sequence;
    this.order = order;
    this.payload = message.payload;
    this.headers = message.headers;
    this.key = message.key;
    this.at = at;
  }
}
