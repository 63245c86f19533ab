import { type Linked, LinkedList } from "../../../structures/linked-list.ts";
import type { Clock } from "../../../traits/clock.ts";
import { PublishFailedError } from "../../../traits/errors.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import { type MessageTopic, StoredMessage } from "../message/stored-message.ts";
import { defaultCapacity, defaultRetain, type TopicOptions } from "../options/options.ts";
import type { Group } from "./group.ts";
import { Log } from "./log.ts";

/** A publish that found no room: `take` is called once there is room for `bytes`, or it is clear that there will be none. */
export interface Turn extends Linked<Turn> {
  readonly bytes: number;
  take(): void;
}

/** The server of a topic. */
export interface TopicServer {
  readonly clock: Clock;
  /** How many messages wait, in all topics that do not forget them, for a first subscription. Changed by topics only. */
  unread: number;
  readonly fullOfUnread: boolean;
  /** The place of the next message among all messages. */
  nextOrder(): number;
}

/**
 * One topic: gives every message its place, hands a copy to each group, and makes publishers wait when it is full. While
 * it has no group, messages wait in it for the first subscription that opens.
 */
export class Topic implements MessageTopic {
  readonly name: string;
  readonly #server: TopicServer;
  readonly #capacity: { readonly messages: number; readonly bytes: number };
  readonly #groups: Group[] = [];
  /** The latest messages, whoever had them. */
  readonly log: Log;
  /** Unread messages, however old: no group got them, or a group that ended had not settled them. */
  readonly #unread: Log;
  /** The limits of its log are the user's: what is beyond them is forgotten, so that it cannot fill the topic. */
  readonly #forgets: boolean;
  /** The sequence of the newest message. */
  #sequence = 0;
  /**
   * Messages that some group owes, or that wait for the first one, and their bytes: those whose `owed` is above 0. The
   * capacity bounds these two.
   */
  #owed = 0;
  #owedBytes = 0;
  #warned = false;
  /** Publishers that wait for room, in the order they came. While one waits, none passes it. */
  readonly #turns = new LinkedList<Turn>();

  constructor(name: string, server: TopicServer, options: TopicOptions | undefined) {
    this.name = name;
    this.#server = server;
    this.#capacity = {
      messages: options?.capacity?.messages ?? defaultCapacity,
      bytes: options?.capacity?.bytes ?? Number.POSITIVE_INFINITY,
    };
    this.log = new Log(options?.retain ?? defaultRetain, server.clock);
    this.#unread = new Log(options?.retain ?? true, server.clock);
    this.#forgets = options?.retain !== undefined;
  }

  get groups(): readonly Group[] {
    return this.#groups;
  }

  /** Nobody would miss more than its log. */
  get idle(): boolean {
    return this.#owed === 0 && !this.#forgets;
  }

  /** The sequence of the next message to be published. */
  get next(): number {
    return this.#sequence + 1;
  }

  attach(group: Group): void {
    this.#groups.push(group);
  }

  detach(group: Group): void {
    const index = this.#groups.indexOf(group);
    if (index >= 0) this.#groups.splice(index, 1);
  }

  /** The message is the broker's from here on, room or not. */
  append(message: CheckedMessage): void {
    this.#sequence += 1;
    const at = this.log.ages ? this.#server.clock.now() : 0;
    const stored = new StoredMessage(this, this.#sequence, this.#server.nextOrder(), message, at);
    this.log.append(stored);
    if (this.#groups.length === 0) {
      this.#unread.append(stored);
      if (!this.#forgets) this.#keep(stored);
    }
    for (const group of this.#groups) {
      this.own(stored);
      group.offer(stored);
    }
  }

  /** What a new group starts with, in no particular order: all there is, or what no other was given. */
  backlog(all: boolean): Iterable<StoredMessage> {
    const unread = this.#unread.from(1);
    return all ? new Set([...unread, ...this.log.from(1)]) : unread;
  }

  /** A group has taken over what no group was given before, from this sequence on. */
  claimed(sequence = 1): void {
    const unread = this.#unread.takeFrom(sequence);
    if (this.#forgets) return;
    this.#server.unread -= unread.length;
    for (const stored of unread) this.release(stored);
  }

  /** It waits for the first subscription, which counts as one group that owes it. */
  #keep(stored: StoredMessage): void {
    this.#server.unread += 1;
    this.own(stored);
  }

  /**
   * A group that is over returns its unsettled messages. A message that no group has settled, and none still has, waits for the next
   * subscription.
   */
  giveBack(owed: readonly StoredMessage[]): void {
    const unread = owed.filter((stored) => stored.owed === 1 && !stored.settled);
    this.#unread.restore(unread);
    if (!this.#forgets) for (const stored of unread) this.#keep(stored);
    for (const stored of owed) this.release(stored);
    this.#admit();
  }

  own(stored: StoredMessage): void {
    if (stored.owed === 0) {
      this.#owed += 1;
      this.#owedBytes += stored.payload.byteLength;
    }
    stored.owed += 1;
  }

  release(stored: StoredMessage): void {
    stored.owed -= 1;
    if (stored.owed > 0) return;
    this.#owed -= 1;
    this.#owedBytes -= stored.payload.byteLength;
    if (this.#turns.size > 0) this.#admit();
  }

  /** Whether a publisher that comes now has to wait. */
  isFull(bytes: number): boolean {
    return this.#turns.size > 0 || !this.hasRoom(bytes);
  }

  /** A message larger than the whole capacity has room while nothing is owed, or it would wait forever. */
  hasRoom(bytes: number): boolean {
    if (this.#isBeyondBroker) return false;
    if (this.#owed === 0) return true;
    return this.#owed < this.#capacity.messages && this.#owedBytes + bytes <= this.#capacity.bytes;
  }

  /** Why there will be no room, unless somebody subscribes: what fills it is for nobody. */
  refusal(bytes: number): PublishFailedError | undefined {
    if (this.#isBeyondBroker) {
      const reason = `nobody subscribes to it, and the broker is full with ${this.#server.unread} unread messages; subscribe to their topics, set retain for those, or raise its unread.messages`;
      return new PublishFailedError({ topic: this.name, reason, retryable: true });
    }
    const { size, bytes: unreadBytes } = this.#unread;
    if (this.#forgets || size === 0) return undefined;
    if (size < this.#capacity.messages && unreadBytes + bytes <= this.#capacity.bytes) return undefined;
    const reason = `the topic is full with ${size} unread messages; subscribe to it, raise its capacity, or set retain so that it forgets them`;
    return new PublishFailedError({ topic: this.name, reason, retryable: true });
  }

  /** Once: dead letters of the broker find no room, and are kept all the same. */
  warnWhenOverfull(): void {
    const full = this.#owed > this.#capacity.messages || this.#owedBytes > this.#capacity.bytes;
    if (!full || this.#warned) return;
    this.#warned = true;
    const text = `The memory topic "${this.name}" holds ${this.#owed} messages of ${this.#owedBytes} bytes, more than its capacity: dead letters are kept, room or not. Subscribe to it, or give it a retain. Said once for this topic.`;
    process.emitWarning(text, "TidelaneWarning");
  }

  /** A message to it would be one more that nobody reads, and the broker has as many of those as it may. */
  get #isBeyondBroker(): boolean {
    return this.#groups.length === 0 && !this.#forgets && this.#server.fullOfUnread;
  }

  wait(turn: Turn): void {
    this.#turns.append(turn);
  }

  /** Takes the turn back. Those behind it may have room where it had none. */
  leave(turn: Turn): void {
    this.#turns.remove(turn);
    this.#admit();
  }

  #admit(): void {
    for (let turn = this.#turns.first; turn !== undefined; turn = this.#turns.first) {
      if (!this.hasRoom(turn.bytes) && this.refusal(turn.bytes) === undefined) return;
      this.#turns.remove(turn);
      turn.take();
    }
  }
}
