import { nextTurn } from "../../../traits/clock.ts";
import type { ClosableCalls, Reply } from "../client.ts";
import { textOf } from "../message/fields.ts";
import type { DeliveredEntry } from "../message/message.ts";
import type { StreamContext } from "./context.ts";

/** Reads new entries, on a connection of its own: while a read waits, the server answers nothing else on it. */
export class BlockingReads {
  readonly #context: StreamContext;
  readonly #closing: AbortSignal;
  #client: ClosableCalls | undefined;
  /** By which another connection may end its wait. */
  #clientId = "";
  /** The read that is on its way. */
  #reading: Promise<unknown> | undefined;

  constructor(context: StreamContext, closing: AbortSignal) {
    this.#context = context;
    this.#closing = closing;
  }

  /** Opens the connection, unless it is there. Returns whether it was opened. */
  async open(): Promise<boolean> {
    if (this.#client !== undefined && !this.#client.over) return false;
    this.#client = undefined;
    const client = await this.#context.connection.openAnother(this.#closing);
    try {
      this.#clientId = textOf(await client.call("CLIENT", "ID"));
    } catch (error) {
      client.destroy();
      throw error;
    }
    if (this.#closing.aborted) client.destroy();
    else this.#client = client;
    return true;
  }

  /** Waits for entries that no member of the group has had, `waitMs` at most. */
  async read(count: number, waitMs: number): Promise<DeliveredEntry[]> {
    const { group, consumer, settings } = this.#context;
    const reading = this.#client?.call(
      ...["XREADGROUP", "GROUP", group.name, consumer, "COUNT", String(count)],
      ...["BLOCK", String(waitMs), "STREAMS", settings.stream, ">"],
    );
    if (reading === undefined) return [];
    this.#reading = reading;
    try {
      return entriesOf(await reading);
    } finally {
      this.#reading = undefined;
    }
  }

  /** Ends a read that waits. Entries that are on their way still come. Resolves when the read is over; never rejects. */
  async interrupt(): Promise<void> {
    const reading = this.#reading;
    if (reading === undefined) return;
    let over = false;
    const ended = reading.then(
      () => {
        over = true;
      },
      () => {
        over = true;
      },
    );
    while (!over && this.#reading === reading) {
      const { usable } = this.#context.connection;
      if (usable === undefined) this.destroy();
      else if (
        (await usable.call("CLIENT", "UNBLOCK", this.#clientId).catch(() => undefined)) === undefined
      ) {
        this.destroy();
      }
      // It may be unblocked before it has begun to wait.
      else await Promise.race([ended, nextTurn()]);
    }
    await ended;
  }

  destroy(): void {
    this.#client?.destroy();
    this.#client = undefined;
  }
}

/** Of `[[stream, [[id, fields], ...]]]`, or of null. An entry that was deleted meanwhile has no fields. */
function entriesOf(reply: Reply): DeliveredEntry[] {
  const [stream] = Array.isArray(reply) ? reply : [];
  const [, entries] = Array.isArray(stream) ? stream : [];
  if (!Array.isArray(entries)) return [];
  return entries.flatMap((entry) => {
    const [id, fields] = Array.isArray(entry) ? entry : [];
    return Array.isArray(fields) ? [{ id: textOf(id), fields, deliveryCount: 1 }] : [];
  });
}
