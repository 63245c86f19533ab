import type { ConnectionState } from "../../../traits/broker.ts";
import { sleep } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { ConnectFailedError, ConnectionClosedError, isTidelaneError } from "../../../traits/errors.ts";
import { Backoff } from "../../shared/backoff.ts";
import { ReconnectReport } from "../../shared/reconnect-report.ts";
import type { ConnectionListener, ServerConnection } from "../client.ts";
import { channelFault, scrub } from "../errors.ts";
import type { ConnectSettings, SocketConnection } from "./socket-connection.ts";

/** After a loss the server may refuse for a while what it will accept, until all of it is up. */
const refusalsToBelieve = 5;

/** A connection over all its reconnects: one connection of the client at a time, and who has to know when that changes. */
export class ReconnectingConnection implements ServerConnection {
  readonly settings: ConnectSettings;
  readonly #reopen: (attempt: number, signal: AbortSignal) => Promise<SocketConnection>;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #stopping = new AbortController();
  readonly #report: ReconnectReport;
  #state: ConnectionState = "open";
  /** Defined exactly while `#state` is "open". */
  #current: SocketConnection | undefined;
  #last: SocketConnection;
  /** Calls of `whenOpen()` that wait. */
  #waiting: Deferred<SocketConnection>[] = [];
  #failure: ConnectFailedError | undefined;
  #ending: Promise<void> | undefined;

  /** `reopen` makes one attempt to reconnect, and has its own time limit. */
  constructor(
    settings: ConnectSettings,
    first: SocketConnection,
    reopen: (attempt: number, signal: AbortSignal) => Promise<SocketConnection>,
  ) {
    this.settings = settings;
    this.#reopen = reopen;
    this.#report = new ReconnectReport(settings.name);
    this.#last = first;
    this.#onOpen(first);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get current(): SocketConnection | undefined {
    return this.#current;
  }

  /** `current`; while there is none, the one before. */
  get last(): SocketConnection {
    return this.#last;
  }

  check(during: string): void {
    if (this.#state === "closed") throw this.closedError(during);
  }

  closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: this.settings.name, during, cause: this.#failure });
  }

  whenOpen(during: string): Promise<SocketConnection> {
    if (this.#state === "closed") return Promise.reject(this.closedError(during));
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    const waiting = deferred<SocketConnection>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  add(listener: ConnectionListener): void {
    this.#listeners.add(listener);
  }

  delete(listener: ConnectionListener): void {
    this.#listeners.delete(listener);
  }

  /** Idempotent; never rejects. */
  close(): Promise<void> {
    return this.#end(undefined);
  }

  #onOpen(opened: SocketConnection): void {
    this.#current = opened;
    this.#last = opened;
    this.#state = "open";
    opened.watch({
      lost: (cause) => this.#onLost(cause),
      unblocked: () => {
        for (const listener of [...this.#listeners]) listener.connectionUnblocked?.();
      },
    });
    // It may have been lost already.
    if (this.#current !== opened) return;
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(opened);
    for (const listener of [...this.#listeners]) listener.connectionRestored?.();
  }

  #onLost(cause: unknown): void {
    if (this.#state === "closed") return;
    this.#current = undefined;
    this.#state = "reconnecting";
    const { secrets, reconnect } = this.settings;
    this.#report.lost(0, scrub(cause, secrets), reconnect.maxAttempts === 0);
    void this.#reconnect(cause);
  }

  async #reconnect(cause: unknown): Promise<void> {
    const { clock, reconnect } = this.settings;
    const backoff = new Backoff(reconnect);
    const { signal } = this.#stopping;
    let last = this.#fatal("it was lost", cause);
    let refusals = 0;
    const isOver = (): boolean => backoff.attempts >= reconnect.maxAttempts || refusals >= refusalsToBelieve;
    while (!isOver()) {
      try {
        await sleep(clock, backoff.next(), signal);
        const opened = await this.#reopen(backoff.attempts - 1, signal);
        if (signal.aborted) return void opened.close();
        this.#report.restored(backoff.attempts);
        return this.#onOpen(opened);
      } catch (error) {
        if (signal.aborted) return;
        last = isTidelaneError(error, "TIDELANE_CONNECT_FAILED")
          ? (error as ConnectFailedError)
          : this.#fatal("it could not be restored", error);
        refusals = last.retryable ? 0 : refusals + 1;
        this.#report.lost(backoff.attempts, last, isOver());
      }
    }
    void this.#end(last);
  }

  #fatal(what: string, cause: unknown): ConnectFailedError {
    const { name, secrets } = this.settings;
    const { reason } = channelFault(cause);
    return new ConnectFailedError({
      broker: name,
      reason: secrets.clean(`${what} (${reason})`),
      retryable: true,
      cause: scrub(cause, secrets),
    });
  }

  #end(failure: ConnectFailedError | undefined): Promise<void> {
    this.#ending ??= this.#finish(failure);
    return this.#ending;
  }

  /** Listeners first: what they still send must precede the close, after which the server reads nothing. */
  async #finish(failure: ConnectFailedError | undefined): Promise<void> {
    const { current } = this;
    this.#state = "closed";
    this.#current = undefined;
    this.#failure = failure;
    this.#stopping.abort();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.closedError("This call"));
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    await Promise.all(listeners.map((listener) => listener.connectionEnded(failure)));
    await current?.close();
  }
}
