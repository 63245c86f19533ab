import { Heap } from "../../../structures/heap.ts";
import { LinkedList } from "../../../structures/linked-list.ts";
import type { Clock } from "../../../traits/clock.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import { Alarm } from "../../shared/alarm.ts";
import { deliveries, MemoryMessage } from "../message/message.ts";
import type { MessageTopic, StoredMessage } from "../message/stored-message.ts";
import type { SubscribeOptions } from "../options/options.ts";
import { deadLetterOf } from "./dead-letter.ts";
import type { Entry, EntryGroup, GroupMember } from "./entry.ts";
import { GroupQueue } from "./group-queue.ts";
import { describeSettings, type GroupSettings } from "./group-settings.ts";

/** The server of a group. */
export interface GroupServer {
  readonly clock: Clock;
  /** Sends a dead letter, whether or not there is room. */
  sendAnyway(message: CheckedMessage): void;
}

/**
 * Subscriptions that share messages. Each message it was offered is in one of three places until it is settled: in the
 * queue, delayed, or in flight; and its topic counts it as owed for exactly that long.
 *
 * Between two calls, no consumer waits while something can be delivered.
 */
export class Group implements EntryGroup {
  readonly settings: GroupSettings;
  readonly #server: GroupServer;
  /** It stays when its last consumer leaves. */
  readonly #named: boolean;
  /** Ends what its topics give it. */
  readonly #detach: () => void;
  readonly #queue = new GroupQueue(this);
  /** `nackAfter`: by the time they are due. */
  readonly #delayed = new Heap<Entry>((a, b) => a.due < b.due);
  /** Delivered and not settled. With an ack deadline, in the order of `due`. */
  readonly #inFlight = new LinkedList<Entry>();
  readonly #consumers = new Set<GroupMember>();
  /** Consumers that want a delivery, the longest waiting first. */
  readonly #waiting = new LinkedList<GroupMember>();
  /** Armed only while there are consumers: nobody can tell the difference, and nothing is left running. */
  readonly #alarm: Alarm;

  constructor(server: GroupServer, settings: GroupSettings, named: boolean, detach: () => void) {
    this.settings = settings;
    this.#server = server;
    this.#named = named;
    this.#detach = detach;
    this.#alarm = new Alarm(server.clock, () => this.#ring());
  }

  /** Its settings as the options that would make them. */
  get described(): SubscribeOptions {
    return describeSettings(this.settings);
  }

  /** A message its topic already counts as owed by this group. */
  offer(stored: StoredMessage): void {
    this.#queue.push(stored);
    if (this.#waiting.size > 0) this.#dispatch();
  }

  join(consumer: GroupMember): void {
    this.#consumers.add(consumer);
    // Messages that fell due while nobody was here are ready now, in their places, and not only at the next timer.
    this.#ring();
  }

  /** Revokes and requeues what the consumer has in flight. */
  leave(consumer: GroupMember, reason: string): void {
    if (!this.#consumers.delete(consumer)) return;
    this.#waiting.remove(consumer);
    const held = this.#inFlight.toArray().filter((entry) => entry.consumer === consumer);
    const revoked = this.#recall(held);
    if (this.#consumers.size === 0) this.#alarm.cancel();
    if (this.#consumers.size === 0 && !this.#named) {
      this.#end(held);
    } else {
      this.#goBack(held);
    }
    for (const message of revoked) deliveries.revoke(message, reason);
    this.#dispatch();
  }

  /** Throws while it has consumers. */
  delete(name: string): void {
    if (this.#consumers.size > 0) {
      const expected = "a group without open subscriptions: close them first";
      throw new InvalidArgumentError({ argument: "deleteGroup(group)", expected, received: name });
    }
    this.#detach();
    for (const stored of this.#empty()) release(stored);
  }

  /** The next delivery, unless there is none or the group has all it may have in flight. */
  take(consumer: GroupMember): MemoryMessage | undefined {
    if (this.#inFlight.size >= this.settings.maxInFlight) return undefined;
    const entry = this.#queue.take();
    if (entry === undefined) return undefined;
    entry.deliveries += 1;
    entry.consumer = consumer;
    const message = new MemoryMessage(entry);
    entry.message = message;
    this.#inFlight.append(entry);
    if (this.settings.ackDeadlineMs !== undefined) this.#setDeadline(entry, this.settings.ackDeadlineMs);
    return message;
  }

  wait(consumer: GroupMember): void {
    if (consumer.list === undefined) this.#waiting.append(consumer);
    this.#dispatch();
  }

  stopWaiting(consumer: GroupMember): void {
    this.#waiting.remove(consumer);
  }

  ack(entry: Entry): void {
    this.#land(entry);
    entry.stored.settled = true;
    release(entry.stored);
    if (this.#waiting.size > 0) this.#dispatch();
  }

  drop(entry: Entry): void {
    this.#land(entry);
    this.#setAside(entry, "dropped");
    this.#dispatch();
  }

  requeue(entry: Entry, delayMs: number): void {
    this.#land(entry);
    if (delayMs > 0 && !this.#isExhausted(entry)) {
      entry.due = this.#server.clock.now() + delayMs;
      this.#delayed.push(entry);
      this.#alarm.at(entry.due);
    } else {
      this.#goBack([entry]);
    }
    this.#dispatch();
  }

  /** Taken, and never handed out: as if it had not been taken. */
  untake(entry: Entry): void {
    this.#land(entry);
    entry.deliveries -= 1;
    this.#queue.giveBack(entry);
    this.#dispatch();
  }

  keepAlive(entry: Entry): void {
    if (this.settings.ackDeadlineMs === undefined) return;
    this.#inFlight.remove(entry);
    this.#inFlight.append(entry);
    this.#setDeadline(entry, this.settings.ackDeadlineMs);
  }

  /** Replaces all it has by what `choose` makes of it, in order; what was in flight is revoked. */
  replace(choose: (owed: StoredMessage[]) => readonly StoredMessage[], reason: string): void {
    const owed = this.#all().sort((a, b) => a.order - b.order);
    const chosen = choose(owed);
    const revoked = this.#recall(this.#inFlight.toArray());
    this.#empty();
    for (const stored of chosen) {
      stored.topic.own(stored);
      this.#queue.push(stored);
    }
    for (const stored of owed) release(stored);
    for (const message of revoked) deliveries.revoke(message, reason);
    this.#dispatch();
  }

  #dispatch(): void {
    for (let consumer = this.#waiting.first; consumer !== undefined; consumer = this.#waiting.first) {
      const message = this.take(consumer);
      if (message === undefined) return;
      this.#waiting.remove(consumer);
      if (consumer.accept(message)) this.#waiting.append(consumer);
    }
  }

  /** Without a name it is over with its last consumer. What it has still to settle is for another subscription. */
  #end(held: readonly Entry[]): void {
    this.#detach();
    const exhausted = held.filter((entry) => this.#isExhausted(entry));
    const owed = held.filter((entry) => !this.#isExhausted(entry)).map((entry) => entry.stored);
    const byTopic = new Map<MessageTopic, StoredMessage[]>();
    for (const stored of [...owed, ...this.#empty()]) {
      const stands = byTopic.get(stored.topic);
      if (stands === undefined) byTopic.set(stored.topic, [stored]);
      else stands.push(stored);
    }
    for (const [topic, messages] of byTopic) topic.giveBack(messages);
    for (const entry of exhausted) this.#setAside(entry, "max-deliveries");
  }

  /** No longer in flight. */
  #land(entry: Entry): void {
    this.#inFlight.remove(entry);
    entry.message = undefined;
    entry.consumer = undefined;
  }

  /** No longer in flight, without a settle. Gives the deliveries, to be told once everything has its place. */
  #recall(entries: readonly Entry[]): MemoryMessage[] {
    const messages = entries.flatMap((entry) => entry.message ?? []);
    for (const entry of entries) this.#land(entry);
    return messages;
  }

  /** Dead letters come last: they make room, and what is let in then must find the others in their places. */
  #goBack(entries: readonly Entry[]): void {
    const exhausted = entries.filter((entry) => this.#isExhausted(entry));
    for (const entry of entries) if (!this.#isExhausted(entry)) this.#queue.giveBack(entry);
    for (const entry of exhausted) this.#setAside(entry, "max-deliveries");
  }

  #isExhausted(entry: Entry): boolean {
    const { deadLetter } = this.settings;
    return deadLetter !== undefined && entry.deliveries >= deadLetter.maxDeliveries;
  }

  /** A dead letter is appended without waiting for room: the settle that causes it has nothing to wait with. */
  #setAside(entry: Entry, reason: string): void {
    const { deadLetter } = this.settings;
    entry.stored.settled = true;
    if (deadLetter !== undefined) this.#server.sendAnyway(deadLetterOf(entry, deadLetter.topic, reason));
    release(entry.stored);
  }

  #setDeadline(entry: Entry, ackDeadlineMs: number): void {
    entry.due = this.#server.clock.now() + ackDeadlineMs;
    this.#alarm.at(entry.due);
  }

  #ring(): void {
    const now = this.#server.clock.now();
    for (
      let entry = this.#delayed.peek();
      entry !== undefined && entry.due <= now;
      entry = this.#delayed.peek()
    ) {
      this.#delayed.pop();
      this.#queue.giveBack(entry);
    }
    const revoked = this.#expire(now);
    this.#arm();
    for (const message of revoked)
      deliveries.revoke(message, `its ack deadline of ${this.settings.ackDeadlineMs} ms passed`);
    this.#dispatch();
  }

  #expire(now: number): MemoryMessage[] {
    if (this.settings.ackDeadlineMs === undefined) return [];
    const expired: Entry[] = [];
    for (let entry = this.#inFlight.first; entry !== undefined && entry.due <= now; entry = entry.next) {
      expired.push(entry);
    }
    const revoked = this.#recall(expired);
    this.#goBack(expired);
    return revoked;
  }

  #arm(): void {
    const delayed = this.#delayed.peek();
    if (delayed !== undefined) this.#alarm.at(delayed.due);
    const oldest = this.settings.ackDeadlineMs === undefined ? undefined : this.#inFlight.first;
    if (oldest !== undefined) this.#alarm.at(oldest.due);
  }

  /** Everything owed, in no particular order. */
  #all(): StoredMessage[] {
    const waiting = [...this.#delayed, ...this.#inFlight.toArray()].map((entry) => entry.stored);
    return [...this.#queue.messages(), ...waiting];
  }

  /** Forgets what is queued and delayed, and gives it. */
  #empty(): StoredMessage[] {
    const forgotten = [...this.#queue.messages()];
    for (const entry of this.#delayed) forgotten.push(entry.stored);
    this.#queue.clear();
    this.#delayed.clear();
    return forgotten;
  }
}

function release(stored: StoredMessage): void {
  stored.topic.release(stored);
}
