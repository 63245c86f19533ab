import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { AbortedError } from "../../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../../shared/abort-watch.ts";
import type { ConnectionListener, ServerConnection } from "../server/server-connection.ts";

/**
 * A promise that its signal and the end of its connection reject as well. Whichever comes first counts, and lets go of
 * the others.
 */
export class Wait<T> implements ConnectionListener, Abortable {
  readonly #what: string;
  readonly #connection: ServerConnection;
  readonly #signal: AbortSignal | undefined;
  readonly #onOver: () => void;
  readonly #deferred: Deferred<T> = deferred();
  #over = false;

  /** `what` names the call in errors. `onOver` is called once, before the promise is settled. */
  constructor(
    what: string,
    connection: ServerConnection,
    signal: AbortSignal | undefined,
    onOver: () => void,
  ) {
    this.#what = what;
    this.#connection = connection;
    this.#signal = signal;
    this.#onOver = onOver;
    connection.add(this);
    if (signal !== undefined) watchAbort(signal, this);
  }

  get promise(): Promise<T> {
    return this.#deferred.promise;
  }

  get over(): boolean {
    return this.#over;
  }

  resolve(value: T): void {
    if (this.#finish()) this.#deferred.resolve(value);
  }

  /** Rejects with the error, or resolves where there is none. */
  settle(error: unknown, value: T): void {
    if (error === undefined) this.resolve(value);
    else this.reject(error);
  }

  reject(error: unknown): void {
    if (this.#finish()) this.#deferred.reject(error);
  }

  end(): void {
    this.reject(this.#connection.closedError(this.#what));
  }

  onAbort(): void {
    this.reject(new AbortedError({ what: this.#what, cause: this.#signal?.reason }));
  }

  #finish(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#connection.delete(this);
    if (this.#signal !== undefined) unwatchAbort(this.#signal, this);
    this.#onOver();
    return true;
  }
}
