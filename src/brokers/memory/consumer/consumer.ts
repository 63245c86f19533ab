import type { LinkedList } from "../../../structures/linked-list.ts";
import { SubscriberBusyError, SubscriptionFailedError } from "../../../traits/errors.ts";
import type { MemoryMessage } from "../message/message.ts";
import type { GroupMember } from "../server/entry.ts";
import type { Group } from "../server/group.ts";
import type { ConnectionEnd, ConnectionListener, ServerConnection } from "../server/server-connection.ts";

/** The iterator of a subscriber, as seen from below. */
export interface Taker {
  /** A delivery it waits for. Returns whether it wants another one. */
  accept(message: MemoryMessage): boolean;
  /** The subscription is over: answer who waits. */
  finish(): void;
  /** Called after `finish`: hand back what was taken and not handed out. */
  giveBack?(): void;
}

/** One subscriber's place in its group: who takes for it, whether it wants anything now, and its end. */
export class Consumer implements ConnectionListener, GroupMember {
  readonly topic: string;
  readonly #group: Group;
  readonly #connection: ServerConnection;
  /** The active iterator. */
  #taker: Taker | undefined = undefined;
  /** Whether the taker waits for a delivery. It stands in the group's line exactly while this holds and it is not paused. */
  #wants = false;
  #paused = false;
  #open = true;
  /** The final error, until somebody was told. */
  #failure: SubscriptionFailedError | undefined = undefined;

  previous: GroupMember | undefined = undefined;
  next: GroupMember | undefined = undefined;
  list: LinkedList<GroupMember> | undefined = undefined;

  constructor(topic: string, group: Group, connection: ServerConnection) {
    this.topic = topic;
    this.#group = group;
    this.#connection = connection;
    group.join(this);
    connection.add(this);
  }

  get open(): boolean {
    return this.#open;
  }

  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
    if (paused) this.#group.stopWaiting(this);
    else if (this.#wants) this.#group.wait(this);
  }

  begin(taker: Taker): void {
    if (this.#taker !== undefined) throw new SubscriberBusyError({ topic: this.topic });
    if (this.#open) this.#taker = taker;
  }

  /** The taker is done; the subscription is not. */
  stop(taker: Taker): void {
    if (this.#taker !== taker) return;
    this.#taker = undefined;
    this.stopWanting();
  }

  take(): MemoryMessage | undefined {
    return this.#open && !this.#paused ? this.#group.take(this) : undefined;
  }

  want(): void {
    this.#wants = true;
    if (!this.#paused) this.#group.wait(this);
  }

  stopWanting(): void {
    this.#wants = false;
    this.#group.stopWaiting(this);
  }

  accept(message: MemoryMessage): boolean {
    this.#wants = this.#taker?.accept(message) ?? false;
    return this.#wants;
  }

  /** Throws where the subscription, or all of its connection, is over. */
  checkOpen(during: string): void {
    this.#connection.check(during);
    if (this.#open) return;
    throw new SubscriptionFailedError({
      topic: this.topic,
      reason: `it is closed, so ${during} is not possible`,
    });
  }

  /** The final error, for the one call that is to reject with it. */
  takeFailure(): SubscriptionFailedError | undefined {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }

  close(): void {
    const ending = { reason: "its subscriber was closed", killed: false };
    this.end(ending);
    this.giveBack(ending);
    this.#connection.delete(this);
  }

  end(ending: ConnectionEnd): void {
    if (!this.#open) return;
    this.#open = false;
    if (ending.killed)
      this.#failure = new SubscriptionFailedError({ topic: this.topic, reason: ending.reason });
    this.stopWanting();
    this.#taker?.finish();
  }

  giveBack(ending: ConnectionEnd): void {
    this.#taker?.giveBack?.();
    this.#taker = undefined;
    this.#group.leave(this, ending.reason);
  }
}
