import { deferred } from "../../../traits/deferred.ts";
import { PendingCall } from "../../shared/pending-call.ts";
import type { ConnectionListener, ServerConnection } from "../server/server-connection.ts";

/**
 * A promise that its signal and the end of its connection reject as well. Whichever comes first counts, and lets go of
 * the others.
 */
export class Wait<T> extends PendingCall<T> implements ConnectionListener {
  readonly promise: Promise<T>;
  readonly #connection: ServerConnection;
  readonly #onOver: () => void;

  /** `what` names the call in errors. `onOver` is called once, before the promise is settled. */
  constructor(
    what: string,
    connection: ServerConnection,
    signal: AbortSignal | undefined,
    onOver: () => void,
  ) {
    const { promise, resolve, reject } = deferred<T>();
    super(what, signal, { resolve, reject });
    this.promise = promise;
    this.#connection = connection;
    this.#onOver = onOver;
    connection.add(this);
  }

  /** Rejects with the error, or resolves where there is none. */
  settle(error: unknown, value: T): void {
    if (error === undefined) this.resolve(value);
    else this.reject(error);
  }

  end(): void {
    this.reject(this.#connection.closedError(this.what));
  }

  protected override onOver(): void {
    this.#connection.delete(this);
    this.#onOver();
  }
}
