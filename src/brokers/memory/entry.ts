import type { Linked, LinkedList } from "../../structures/linked-list.ts";
import type { Consumer } from "./consumer.ts";
import type { Group } from "./group.ts";
import type { MemoryMessage } from "./message.ts";
import type { StoredMessage } from "./stored-message.ts";

/** The standing of one stored message in one group, from its first delivery on. */
export class Entry implements Linked<Entry> {
  readonly stored: StoredMessage;
  readonly group: Group;
  /** How often it was delivered. */
  deliveries = 0;
  /** Its current delivery and who has it: set exactly while it is in flight. */
  message: MemoryMessage | undefined = undefined;
  consumer: Consumer | undefined = undefined;
  /** In flight: when the delivery is lost. Delayed: when it is back in its place. */
  due = 0;

  previous: Entry | undefined = undefined;
  next: Entry | undefined = undefined;
  list: LinkedList<Entry> | undefined = undefined;

  constructor(stored: StoredMessage, group: Group) {
    this.stored = stored;
    this.group = group;
  }
}
