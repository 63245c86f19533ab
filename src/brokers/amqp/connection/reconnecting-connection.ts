import type { ConnectionState } from "../../../traits/broker.ts";
import { sleep } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { ConnectFailedError, ConnectionClosedError, isTidelaneError } from "../../../traits/errors.ts";
import { Backoff } from "../../shared/backoff.ts";
import { ReconnectReport } from "../../shared/reconnect-report.ts";
import { type AmqpClient, closeChannel } from "../client.ts";
import { channelFault, scrub } from "../errors.ts";
import type { Settings } from "../options.ts";
import { declareTopology } from "../topology/topology.ts";
import { Session } from "./socket-connection.ts";

/** What lives over the sessions of a link. */
export interface Rider {
  /** A session began. */
  up?(session: Session): void;
  /** The server takes publishes again. */
  unblocked?(): void;
  /** The link is over: shut down, or with the error it died of. Bounded in time. */
  end(failure: ConnectFailedError | undefined): Promise<void> | void;
}

/** After a loss the server may refuse for a while what it will accept, until all of it is up. */
const refusalsToBelieve = 5;

/** A connection over all its reconnects: one session at a time, and the riders it is for. */
export class Link {
  readonly settings: Settings;
  readonly #client: AmqpClient;
  readonly #riders = new Set<Rider>();
  readonly #stopping = new AbortController();
  readonly #report: ReconnectReport;
  #state: ConnectionState = "open";
  /** Defined exactly while `#state` is "open". */
  #session: Session | undefined;
  #lastSession: Session;
  /** Calls of `whenUp()` that wait. */
  #waiting: Deferred<Session>[] = [];
  #failure: ConnectFailedError | undefined;
  #ending: Promise<void> | undefined;

  private constructor(settings: Settings, client: AmqpClient, session: Session) {
    this.settings = settings;
    this.#client = client;
    this.#report = new ReconnectReport(settings.name);
    this.#lastSession = session;
    this.#adopt(session);
  }

  /**
   * The first connect, of which no part is tried twice but the addresses. Throws what the last said, or the first that
   * refused for good: trying again would only repeat what was refused.
   */
  static async open(settings: Settings, client: AmqpClient, signal: AbortSignal | undefined): Promise<Link> {
    let failure: unknown;
    for (let index = 0; index < settings.addresses.length; index += 1) {
      try {
        return new Link(settings, client, await begin(client, settings, index, signal));
      } catch (error) {
        if (isTidelaneError(error, "TIDELANE_ABORTED")) throw error;
        if (!isRefusal(failure)) failure = error;
      }
    }
    throw failure;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get session(): Session | undefined {
    return this.#session;
  }

  /** The session there is, or was last. */
  get lastSession(): Session {
    return this.#lastSession;
  }

  /** Throws `ConnectionClosedError` once it is over. */
  check(during: string): void {
    if (this.#state === "closed") throw this.closedError(during);
  }

  closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: this.settings.name, during, cause: this.#failure });
  }

  /** The session, as soon as there is one. Rejects with `ConnectionClosedError` when there will be none. */
  whenUp(during: string): Promise<Session> {
    if (this.#state === "closed") return Promise.reject(this.closedError(during));
    if (this.#session !== undefined) return Promise.resolve(this.#session);
    const waiting = deferred<Session>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  join(rider: Rider): void {
    this.#riders.add(rider);
  }

  leave(rider: Rider): void {
    this.#riders.delete(rider);
  }

  /** Idempotent; never rejects. */
  shutdown(): Promise<void> {
    return this.#end(undefined);
  }

  #adopt(session: Session): void {
    this.#session = session;
    this.#lastSession = session;
    this.#state = "open";
    session.watch({
      lost: (cause) => this.#lost(cause),
      blocked: () => {},
      unblocked: () => {
        for (const rider of [...this.#riders]) rider.unblocked?.();
      },
    });
    if (this.#session !== session) return;
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(session);
    for (const rider of [...this.#riders]) rider.up?.(session);
  }

  #lost(cause: unknown): void {
    if (this.#state === "closed") return;
    this.#session = undefined;
    this.#state = "reconnecting";
    const { secrets, reconnect } = this.settings;
    this.#report.lost(0, scrub(cause, secrets), reconnect.maxTries === 0);
    void this.#restore(cause);
  }

  async #restore(cause: unknown): Promise<void> {
    const { clock, reconnect } = this.settings;
    const backoff = new Backoff(reconnect);
    const { signal } = this.#stopping;
    let last = this.#fatal("it was lost", cause);
    let refusals = 0;
    const isOver = (): boolean => backoff.tries >= reconnect.maxTries || refusals >= refusalsToBelieve;
    while (!isOver()) {
      try {
        await sleep(clock, backoff.next(), signal);
        const session = await begin(this.#client, this.settings, backoff.tries - 1, signal);
        if (signal.aborted) return void session.close();
        this.#report.restored(backoff.tries);
        return this.#adopt(session);
      } catch (error) {
        if (signal.aborted) return;
        last = isTidelaneError(error, "TIDELANE_CONNECT_FAILED")
          ? (error as ConnectFailedError)
          : this.#fatal("it could not be restored", error);
        refusals = last.retryable ? 0 : refusals + 1;
        this.#report.lost(backoff.tries, last, isOver());
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

  /** n.b. riders first: what they still send has to be on its way before the goodbye, which would overtake it. */
  async #finish(failure: ConnectFailedError | undefined): Promise<void> {
    const session = this.#session;
    this.#state = "closed";
    this.#session = undefined;
    this.#failure = failure;
    this.#stopping.abort();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.closedError("This call"));
    const riders = [...this.#riders];
    this.#riders.clear();
    await Promise.all(riders.map((rider) => rider.end(failure)));
    await session?.close();
  }
}

/** A failure that another try would not change. */
function isRefusal(error: unknown): boolean {
  return isTidelaneError(error) && !error.retryable;
}

/** One try: a session with the topology of the options declared. */
async function begin(
  client: AmqpClient,
  settings: Settings,
  turn: number,
  signal: AbortSignal | undefined,
): Promise<Session> {
  const { addresses, topology } = settings;
  const address = addresses[turn % addresses.length] ?? addresses[0];
  const session = await Session.open(client, settings, address, signal);
  if (Object.values(topology).every((list) => list.length === 0)) return session;
  try {
    await declareAll(session, settings, signal);
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function declareAll(
  session: Session,
  settings: Settings,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { name, topology, secrets } = settings;
  const stop = (): void => void session.close();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const channel = await session.client.createChannel();
    channel.on("error", () => {});
    await declareTopology(channel, topology, session.server);
    await closeChannel(channel);
  } catch (error) {
    const { reason, final } = channelFault(error);
    throw new ConnectFailedError({
      broker: name,
      reason: secrets.clean(`its topology could not be declared: ${reason}`),
      retryable: !final,
      cause: scrub(error, secrets),
    });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}
