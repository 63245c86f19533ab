import { randomUUID } from "node:crypto";
import { SubscriptionFailedError } from "../../../traits/errors.ts";
import type { OpenConnection } from "../client.ts";
import { readFault } from "../errors.ts";
import { idBefore } from "../message/entry-id.ts";
import { textOf } from "../message/fields.ts";
import type { RedisStart, StreamSettings } from "../options.ts";
import { isMissing, lastId, recordsOf } from "./stream.ts";

/** A group of a stream, as one subscription knows it. */
export class Group {
  readonly stream: string;
  readonly name: string;
  /** Of one subscription alone: it is deleted with it. */
  readonly isOwn: boolean;
  readonly #create: boolean;
  /** Where it starts when it has to be made again. */
  #from: RedisStart;

  constructor(settings: StreamSettings) {
    this.stream = settings.stream;
    this.isOwn = settings.group === undefined;
    this.name = settings.group ?? `tidelane:own:${randomUUID()}`;
    this.#create = settings.create;
    this.#from = settings.from;
  }

  /** Makes it where it is missing, and its stream. Rejects with `SubscriptionFailedError` where it must be there. */
  async open(open: OpenConnection): Promise<void> {
    if (!this.#create) await this.#check(open);
    if (!this.#create && !this.isOwn) return;
    // By its id: made again, the group must not skip what came since.
    if (this.#from === "new") this.#from = { after: await lastId(open, this.stream) };
    try {
      const start = startId(this.#from);
      await open.call(
        "XGROUP",
        "CREATE",
        this.stream,
        this.name,
        start,
        ...(this.#create ? ["MKSTREAM"] : []),
      );
    } catch (error) {
      if (readFault(error).code !== "BUSYGROUP") throw error;
    }
  }

  /** An entry was delivered: a group of one subscription that is made again goes on behind it. */
  delivered(id: string): void {
    if (this.isOwn) this.#from = { after: id };
  }

  async delete(open: OpenConnection): Promise<void> {
    await open.call("XGROUP", "DESTROY", this.stream, this.name);
  }

  async #check(open: OpenConnection): Promise<void> {
    const stream = JSON.stringify(this.stream);
    const groups = await open.call("XINFO", "GROUPS", this.stream).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
      const reason = `there is no stream ${stream}; create it first, or subscribe with create: true`;
      throw new SubscriptionFailedError({ topic: this.stream, reason });
    });
    if (this.isOwn || recordsOf(groups).some(({ name }) => textOf(name) === this.name)) return;
    const reason = `the stream ${stream} has no group ${JSON.stringify(this.name)}; create it first, or subscribe with create: true`;
    throw new SubscriptionFailedError({ topic: this.stream, reason });
  }
}

function startId(from: RedisStart): string {
  if (from === "start") return "0-0";
  if (from === "new") return "$";
  return from instanceof Date ? idBefore(`${Math.max(0, from.getTime())}-0`) : from.after;
}
