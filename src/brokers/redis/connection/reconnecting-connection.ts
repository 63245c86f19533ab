import type { ConnectionState } from "../../../traits/broker.ts";
import { sleep } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { ConnectFailedError, ConnectionClosedError, isTidelaneError } from "../../../traits/errors.ts";
import { Backoff } from "../../shared/backoff.ts";
import { ReconnectReport } from "../../shared/reconnect-report.ts";
import { within } from "../../shared/within.ts";
import type { BlockingCalls, ConnectionListener, OpenConnection, ServerConnection } from "../client.ts";
import { readFault } from "../errors.ts";
import { textOf } from "../message/fields.ts";
import { BlockingConnection } from "./blocking-connection.ts";
import type { ClientConnection, ConnectSettings } from "./client-connection.ts";

type Open = (signal: AbortSignal | undefined) => Promise<ClientConnection>;

/** A connection over all its reconnects: one connection of the client at a time, and who has to know when that changes. */
export class ReconnectingConnection implements ServerConnection {
  readonly settings: ConnectSettings;
  /** Of the server: "7.0.15". */
  readonly version: string;
  readonly #open: Open;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #stopping = new AbortController();
  readonly #report: ReconnectReport;
  #state: ConnectionState = "open";
  #current: ClientConnection | undefined;
  /** Calls of `whenOpen()` that wait. */
  #waiting: Deferred<OpenConnection>[] = [];
  #failure: ConnectFailedError | undefined;
  #ending: Promise<void> | undefined;

  static async start(
    settings: ConnectSettings,
    first: ClientConnection,
    open: Open,
  ): Promise<ReconnectingConnection> {
    // A user without the right to ask still gets a connection.
    const about = await first.call("INFO", "server").catch(() => "");
    const version = /redis_version:(\S+)/.exec(textOf(about))?.[1] ?? "";
    return new ReconnectingConnection(settings, version, first, open);
  }

  private constructor(settings: ConnectSettings, version: string, first: ClientConnection, open: Open) {
    this.settings = settings;
    this.version = version;
    this.#open = open;
    this.#report = new ReconnectReport(settings.name);
    this.#onOpen(first);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get usable(): OpenConnection | undefined {
    return this.#current;
  }

  check(during: string): void {
    if (this.#state === "closed") throw this.closedError(during);
  }

  closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: this.settings.name, during, cause: this.#failure });
  }

  whenOpen(during: string): Promise<OpenConnection> {
    if (this.#state === "closed") return Promise.reject(this.closedError(during));
    if (this.#current !== undefined) return Promise.resolve(this.#current);
    const waiting = deferred<OpenConnection>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  blocking(closing: AbortSignal): BlockingCalls {
    return new BlockingConnection(this, this.#open, closing);
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

  #onOpen(opened: ClientConnection): void {
    this.#current = opened;
    this.#state = "open";
    opened.watch((cause) => this.#onLost(cause));
    // It may have been lost already.
    if (this.#current !== opened) return;
    for (const listener of [...this.#listeners]) listener.connectionRestored?.();
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(opened);
  }

  #onLost(cause: unknown): void {
    this.#current = undefined;
    if (this.#state === "closed") return;
    this.#state = "reconnecting";
    for (const listener of [...this.#listeners]) listener.connectionLost?.();
    const { secrets, reconnect } = this.settings;
    this.#report.lost(0, secrets.cause(cause), reconnect.maxAttempts === 0);
    void this.#reconnect(cause);
  }

  async #reconnect(cause: unknown): Promise<void> {
    const { clock, reconnect } = this.settings;
    const backoff = new Backoff(reconnect);
    const { signal } = this.#stopping;
    let last = this.#fatal(cause);
    const isOver = (): boolean => backoff.attempts >= reconnect.maxAttempts;
    while (!isOver()) {
      try {
        await sleep(clock, backoff.next(), signal);
        const opened = await this.#open(signal);
        if (signal.aborted) return opened.destroy();
        this.#report.restored(backoff.attempts);
        return this.#onOpen(opened);
      } catch (error) {
        if (signal.aborted) return;
        if (isTidelaneError(error, "TIDELANE_CONNECT_FAILED")) last = error as ConnectFailedError;
        this.#report.lost(backoff.attempts, error, isOver());
      }
    }
    void this.#end(last);
  }

  #fatal(cause: unknown): ConnectFailedError {
    const { name, secrets } = this.settings;
    return new ConnectFailedError({
      broker: name,
      reason: secrets.clean(`it was lost (${readFault(cause).text})`),
      retryable: true,
      cause: secrets.cause(cause),
    });
  }

  #end(failure: ConnectFailedError | undefined): Promise<void> {
    this.#ending ??= this.#finish(failure);
    return this.#ending;
  }

  /** Listeners first: what they still send must precede the close. */
  async #finish(failure: ConnectFailedError | undefined): Promise<void> {
    this.#state = "closed";
    this.#failure = failure;
    this.#stopping.abort();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.closedError("This call"));
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    const { clock, closeTimeoutMs } = this.settings;
    const ended = Promise.all(listeners.map((listener) => listener.connectionEnded(failure)));
    await within(clock, closeTimeoutMs, ended);
    const { usable } = this;
    this.#current = undefined;
    (usable as ClientConnection | undefined)?.destroy();
  }
}
