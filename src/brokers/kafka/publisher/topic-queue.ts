import { Fifo } from "../../../structures/fifo.ts";
import { InvalidMessageError } from "../../../traits/errors.ts";
import type { TopicTable } from "../topology/topology.ts";
import { Outbox, type OutboxOptions, type Posting } from "./partition-queue.ts";
import type { Partitioner } from "./partitioners.ts";

export interface TopicSenderOptions extends Omit<OutboxOptions, "sending"> {
  readonly table: TopicTable;
  readonly partitioner: Partitioner;
  /** What those who published are told when the topic cannot be looked up. */
  readonly refusal: (error: unknown) => unknown;
}

/** What is to be sent to one topic: finds each message its partition, in the order of the calls. */
export class TopicSender {
  readonly #topic: string;
  readonly #options: TopicSenderOptions;
  readonly #outboxes = new Map<number, Outbox>();
  /** Wait for the number of partitions. While one does, every other waits behind it. */
  readonly #unrouted = new Fifo<Posting>();
  #lookingUp = false;
  /** Messages without a key go to one partition until its batch goes out, then to the next. */
  #turn = Math.floor(Math.random() * 0x10000);

  constructor(topic: string, options: TopicSenderOptions) {
    this.#topic = topic;
    this.#options = options;
  }

  /** The moment the oldest of all that wait is due; `undefined` while none does. */
  get dueMs(): number | undefined {
    let earliest = this.#unrouted.peek()?.dueMs;
    for (const { dueMs } of this.#outboxes.values()) {
      if (dueMs !== undefined && (earliest === undefined || dueMs < earliest)) earliest = dueMs;
    }
    return earliest;
  }

  push(posting: Posting): void {
    const partitions = this.#unrouted.size > 0 ? undefined : this.#options.table.known(this.#topic);
    if (partitions !== undefined) {
      this.#route(posting, partitions);
      return;
    }
    this.#unrouted.push(posting);
    if (!this.#lookingUp) void this.#lookUp();
  }

  expire(nowMs: number, error: () => unknown): void {
    for (let first = this.#unrouted.peek(); first && first.dueMs <= nowMs; first = this.#unrouted.peek()) {
      this.#unrouted.shift();
      first.reject(error());
    }
    for (const outbox of this.#outboxes.values()) outbox.expire(nowMs, error);
  }

  rejectAll(error: unknown, sent: boolean): void {
    for (const posting of this.#takeUnrouted()) posting.reject(error);
    for (const outbox of this.#outboxes.values()) outbox.rejectAll(error, sent);
  }

  async #lookUp(): Promise<void> {
    this.#lookingUp = true;
    try {
      const partitions = await this.#options.table.lookUp(this.#topic, () => this.#unrouted.size === 0);
      for (const posting of this.#takeUnrouted()) this.#route(posting, partitions);
    } catch (error) {
      const refusal = this.#options.refusal(error);
      for (const posting of this.#takeUnrouted()) posting.reject(refusal);
    }
    this.#lookingUp = false;
  }

  #takeUnrouted(): Posting[] {
    const postings = [...this.#unrouted];
    this.#unrouted.clear();
    return postings;
  }

  #route(posting: Posting, partitions: number): void {
    if (posting.over) return;
    const { message } = posting;
    if (message.partition === undefined) {
      const { key } = message;
      const chosen = key === null ? undefined : this.#options.partitioner(key, partitions);
      message.partition = chosen ?? this.#turn % partitions;
    }
    if (message.partition < partitions) {
      this.#outbox(message.partition).push(posting);
      return;
    }
    const reason = `partition ${message.partition} was asked for, and the topic has 0 to ${partitions - 1}`;
    posting.reject(new InvalidMessageError({ topic: this.#topic, reason }));
  }

  #outbox(partition: number): Outbox {
    let outbox = this.#outboxes.get(partition);
    if (outbox === undefined) {
      const sending = (): void => {
        this.#turn += 1;
      };
      outbox = new Outbox({ ...this.#options, sending });
      this.#outboxes.set(partition, outbox);
    }
    return outbox;
  }
}
