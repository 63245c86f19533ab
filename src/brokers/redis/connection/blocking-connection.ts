import { nextTurn } from "../../../traits/clock.ts";
import type { Argument, BlockingCalls, Reply, ServerConnection } from "../client.ts";
import { textOf } from "../message/fields.ts";
import type { ClientConnection } from "./client-connection.ts";

type Open = (signal: AbortSignal) => Promise<ClientConnection>;

/** Ends the waits of one connection by a call on another. */
export class BlockingConnection implements BlockingCalls {
  readonly #connection: ServerConnection;
  readonly #open: Open;
  readonly #closing: AbortSignal;
  #client: ClientConnection | undefined;
  /** By which another connection may end its wait. */
  #clientId = "";
  /** The call that is on its way. */
  #waiting: Promise<unknown> | undefined;

  constructor(connection: ServerConnection, open: Open, closing: AbortSignal) {
    this.#connection = connection;
    this.#open = open;
    this.#closing = closing;
  }

  async open(): Promise<boolean> {
    if (this.#client !== undefined && !this.#client.over) return false;
    this.#client = undefined;
    const client = await this.#open(this.#closing);
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

  async call(...args: Argument[]): Promise<Reply> {
    const waiting = this.#client?.call(...args);
    if (waiting === undefined) return null;
    this.#waiting = waiting;
    try {
      return await waiting;
    } finally {
      this.#waiting = undefined;
    }
  }

  async interrupt(): Promise<void> {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    let over = false;
    const ended = waiting
      .catch(() => {})
      .then(() => {
        over = true;
      });
    while (!over) {
      if (!(await this.#unblock())) this.destroy();
      // It may be unblocked before it has begun to wait.
      await Promise.race([ended, nextTurn()]);
    }
  }

  destroy(): void {
    this.#client?.destroy();
    this.#client = undefined;
  }

  /** Returns false where the server cannot be asked, or does not let this user. */
  async #unblock(): Promise<boolean> {
    try {
      const answer = await this.#connection.usable?.call("CLIENT", "UNBLOCK", this.#clientId);
      return answer !== undefined;
    } catch {
      return false;
    }
  }
}
