import type { LinkedList } from "../../../structures/linked-list.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import type { MemoryServer } from "../server/server.ts";
import type { Topic, Turn } from "../server/topic.ts";

/**
 * Messages that become visible together, in order, as soon as every topic they go to has room. Each topic is asked for
 * room for one of them; what a large transaction takes beyond that, it takes at once.
 */
export class Submission implements Turn {
  readonly #server: MemoryServer;
  readonly #messages: readonly CheckedMessage[];
  readonly #onOver: (refusal?: unknown) => void;
  /** The topic it waits in; undefined before, and after it was sent or withdrawn. */
  #waitsIn: Topic | undefined = undefined;
  bytes = 0;

  previous: Turn | undefined = undefined;
  next: Turn | undefined = undefined;
  list: LinkedList<Turn> | undefined = undefined;

  /** `onOver` is called once: they were sent, or will never be. */
  constructor(
    server: MemoryServer,
    messages: readonly CheckedMessage[],
    onOver: (refusal?: unknown) => void,
  ) {
    this.#server = server;
    this.#messages = messages;
    this.#onOver = onOver;
  }

  /** Sends now, or gets in line. */
  submit(): void {
    this.#trySend((topic, bytes) => !topic.isFull(bytes));
  }

  /** It is our turn in the topic we waited in; another topic may still be full. */
  take(): void {
    this.#waitsIn = undefined;
    this.#trySend((topic, bytes) => topic.hasRoom(bytes));
  }

  /** Sends nothing, if nothing was sent. */
  withdraw(): void {
    const topic = this.#waitsIn;
    this.#waitsIn = undefined;
    topic?.leave(this);
  }

  #trySend(hasRoom: (topic: Topic, bytes: number) => boolean): void {
    for (const message of this.#messages) {
      const topic = this.#server.destination(message.topic);
      const bytes = message.payload.byteLength;
      if (topic === undefined || hasRoom(topic, bytes)) continue;
      const refusal = topic.refusal(bytes);
      if (refusal !== undefined) {
        this.#onOver(refusal);
        return;
      }
      this.bytes = bytes;
      this.#waitsIn = topic;
      topic.wait(this);
      return;
    }
    for (const message of this.#messages) this.#server.send(message);
    this.#onOver();
  }
}
