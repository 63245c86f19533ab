import { type Linked, LinkedList } from "../../structures/linked-list.ts";
import type { CheckedMessage } from "../../traits/outgoing.ts";
import type { Bus } from "./bus.ts";
import type { Group } from "./group.ts";
import { Log } from "./log.ts";
import { defaultCapacity, type TopicOptions } from "./options.ts";
import { StoredMessage } from "./stored-message.ts";

/** A publish that found no room: `take` is called once there is room for `bytes`. */
export interface Turn extends Linked<Turn> {
  readonly bytes: number;
  take(): void;
}

/** One topic: gives every message its place, hands a copy to each group, and makes publishers wait when it is full. */
export class Topic {
  readonly name: string;
  readonly #bus: Bus;
  readonly #capacity: { readonly messages: number; readonly bytes: number };
  readonly #groups: Group[] = [];
  #log: Log | undefined;
  /** The sequence of the newest message. */
  #sequence = 0;
  /** Messages that some group owes, and their bytes: those whose `owed` is above 0. The capacity bounds these two. */
  #owed = 0;
  #owedBytes = 0;
  /** Publishers that wait for room, in the order they came. While one waits, none passes it. */
  readonly #turns = new LinkedList<Turn>();

  constructor(name: string, bus: Bus, options: TopicOptions | undefined) {
    this.name = name;
    this.#bus = bus;
    this.#capacity = {
      messages: options?.capacity?.messages ?? defaultCapacity,
      bytes: options?.capacity?.bytes ?? Number.POSITIVE_INFINITY,
    };
    this.#log = options?.retain === undefined ? undefined : new Log(options.retain, bus.clock);
  }

  /** What it retains; undefined where it retains nothing. */
  get log(): Log | undefined {
    return this.#log;
  }

  /** The sequence of the next message to be published. */
  get next(): number {
    return this.#sequence + 1;
  }

  /** Dead letters must not go nowhere because nobody has subscribed yet. */
  retainDeadLetters(): void {
    this.#log ??= new Log({ messages: defaultCapacity }, this.#bus.clock);
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
    const at = this.#log?.ages === true ? this.#bus.clock.now() : 0;
    const stored = new StoredMessage(this, this.#sequence, this.#bus.nextOrder(), message, at);
    this.#log?.append(stored);
    for (const group of this.#groups) {
      this.own(stored);
      group.offer(stored);
    }
  }

  /** One more group owes it. */
  own(stored: StoredMessage): void {
    if (stored.owed === 0) {
      this.#owed += 1;
      this.#owedBytes += stored.payload.byteLength;
    }
    stored.owed += 1;
  }

  /** One group less owes it. */
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
    if (this.#owed === 0) return true;
    return this.#owed < this.#capacity.messages && this.#owedBytes + bytes <= this.#capacity.bytes;
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
      if (!this.hasRoom(turn.bytes)) return;
      this.#turns.remove(turn);
      turn.take();
    }
  }
}
