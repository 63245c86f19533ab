import type { Linked, LinkedList } from "../../../structures/linked-list.ts";
import type { Delivery, MemoryMessage } from "../message/message.ts";
import type { StoredMessage } from "../message/stored-message.ts";

/** A consumer, as its group sees it. */
export interface GroupMember extends Linked<GroupMember> {
  /** A delivery it waits for. Returns whether it wants another one. */
  accept(message: MemoryMessage): boolean;
}

/** The group of an entry, which settles it. */
export interface EntryGroup {
  ack(entry: Entry): void;
  drop(entry: Entry): void;
  requeue(entry: Entry, delayMs: number): void;
  untake(entry: Entry): void;
  keepAlive(entry: Entry): void;
}

/** The standing of one stored message in one group, from its first delivery on. */
export class Entry implements Delivery, Linked<Entry> {
  readonly stored: StoredMessage;
  readonly #group: EntryGroup;
  /** How often it was delivered. */
  deliveries = 0;
  /** Its current delivery and who has it: set exactly while it is in flight. */
  message: MemoryMessage | undefined = undefined;
  consumer: GroupMember | undefined = undefined;
  /** In flight: when the delivery is revoked. Delayed: when it is back in its place. */
  due = 0;

  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  list: LinkedList<Entry> | undefined = undefined;

  constructor(stored: StoredMessage, group: EntryGroup) {
    this.stored = stored;
    this.#group = group;
  }

  ack(): void {
    this.#group.ack(this);
  }

  drop(): void {
    this.#group.drop(this);
  }

  requeue(delayMs: number): void {
    this.#group.requeue(this, delayMs);
  }

  untake(): void {
    this.#group.untake(this);
  }

  keepAlive(): void {
    this.#group.keepAlive(this);
  }
}
