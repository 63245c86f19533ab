import type { ConnectionState, ServerDescription } from "../../../traits/broker.ts";
import { nextTurn } from "../../../traits/clock.ts";
import { ConnectionClosedError } from "../../../traits/errors.ts";
import { reportError } from "../../shared/error-report.ts";
import { ReconnectReport } from "../../shared/reconnect-report.ts";
import type { Secrets } from "../../shared/secrets.ts";
import type {
  ClientConnection,
  ClientMessage,
  ClientPublishOptions,
  ClientStatus,
  ClientSubscription,
  ConnectionEnd,
  ConnectionListener,
  ServerConnection,
} from "../client.ts";
import { permissionOf, RequestFault, textOf } from "../errors.ts";
import type { ReconnectDelay } from "./reconnect-delay.ts";

/**
 * The connection of a client, which reconnects and renews its subscriptions by itself: whether it is up, and who has to
 * know when that changes.
 */
export class ReconnectingConnection implements ServerConnection {
  readonly broker: string;
  readonly #client: ClientConnection;
  readonly #secrets: Secrets;
  readonly #delay: ReconnectDelay;
  readonly #borrowed: boolean;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #report: ReconnectReport;
  #up = true;
  /** Sent before anything else is, or at the end of this turn of the event loop. */
  #batch: { readonly subject: string; readonly payload: Uint8Array }[] = [];
  #ending: ConnectionEnd | undefined = undefined;
  /** Attempts to reconnect since the connection was last up. */
  #attempts = 0;
  /** As it was when the connection was last up: the client forgets it in between. */
  #known: { readonly version: string; readonly maxPayload: number };

  constructor(
    client: ClientConnection,
    facts: { broker: string; secrets: Secrets; delay: ReconnectDelay; borrowed: boolean },
  ) {
    this.#borrowed = facts.borrowed;
    this.broker = facts.broker;
    this.#client = client;
    this.#secrets = facts.secrets;
    this.#delay = facts.delay;
    this.#report = new ReconnectReport(facts.broker);
    this.#known = { version: client.info?.version ?? "", maxPayload: client.info?.max_payload ?? 2 ** 20 };
    // Neither rejects; see there.
    void this.#watch();
    void this.#awaitEnd();
  }

  get state(): ConnectionState {
    if (this.#ending !== undefined) return "closed";
    return this.#up ? "open" : "reconnecting";
  }

  get up(): boolean {
    return this.#up && !this.#client.isClosed();
  }

  get over(): boolean {
    return this.#ending !== undefined;
  }

  get maxPayloadBytes(): number {
    return this.#client.info?.max_payload ?? this.#known.maxPayload;
  }

  get version(): string {
    return this.#client.info?.version ?? this.#known.version;
  }

  describe(): ServerDescription {
    const address = this.#secrets.clean(this.#client.getServer());
    return { protocol: "nats", address, ...(this.version === "" ? {} : { version: this.version }) };
  }

  /** A text or error of the client, with every credential masked. */
  clean(text: string): string {
    return this.#secrets.clean(text);
  }

  cause(error: unknown): unknown {
    return this.#secrets.cause(error);
  }

  add(listener: ConnectionListener): void {
    this.#listeners.add(listener);
  }

  delete(listener: ConnectionListener): void {
    this.#listeners.delete(listener);
  }

  check(during: string): void {
    if (this.#ending !== undefined) throw this.closedError(during);
  }

  closedError(during: string): ConnectionClosedError {
    return new ConnectionClosedError({ broker: this.broker, during, cause: this.#ending?.cause });
  }

  publish(subject: string, payload: Uint8Array, options?: ClientPublishOptions): void {
    this.#sendBatch();
    this.#client.publish(subject, payload, options);
  }

  publishBatched(subject: string, payload: Uint8Array): void {
    this.#batch.push({ subject, payload });
    if (this.#batch.length === 1) void nextTurn().then(() => this.#sendBatch());
  }

  subscribe(
    subject: string,
    queue: string | undefined,
    take: (message: ClientMessage) => void,
    fault: (error: RequestFault) => void,
  ): ClientSubscription {
    const subscription = this.#client.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error === null || error === undefined) take(message);
        else fault(this.#refusal("subscription", subject, error));
      },
    });
    return {
      unsubscribe: () => {
        this.#sendBatch();
        subscription.unsubscribe();
      },
      drain: () => {
        this.#sendBatch();
        return subscription.drain();
      },
    };
  }

  flush(): Promise<void> {
    this.#sendBatch();
    return new Promise((resolve, reject) => {
      const finish = (fault: RequestFault | undefined): void => {
        this.#listeners.delete(listener);
        if (fault === undefined) resolve();
        else reject(fault);
      };
      const lost = (): void => finish(new RequestFault("lost", "the connection was lost"));
      const listener: ConnectionListener = { connectionEnded: lost, connectionLost: lost };
      this.#listeners.add(listener);
      // The clients report a refusal a few microtasks after the flush that follows it.
      this.#client
        .flush()
        .then(nextTurn)
        .then(() => finish(undefined), lost);
    });
  }

  /** From now on every call fails. The client's connection stays open, so that subscribers can unsubscribe. */
  end(ending: ConnectionEnd): void {
    if (this.#ending !== undefined) return;
    this.#sendBatch();
    this.#ending = ending;
    for (const listener of [...this.#listeners]) listener.connectionEnded(ending);
  }

  /** Resolves when the client's connection is closed. */
  async close(): Promise<void> {
    this.#sendBatch();
    await this.#client.close();
  }

  #sendBatch(): void {
    if (this.#batch.length === 0) return;
    const soon = this.#batch;
    this.#batch = [];
    if (!this.up) return;
    try {
      for (const { subject, payload } of soon) this.#client.publish(subject, payload);
    } catch {
      // The connection is closed or closing.
    }
  }

  async #awaitEnd(): Promise<void> {
    const error = await this.#client.closed().catch((reason: unknown) => reason);
    // We close our own connections, or the client gives them up. One that was handed in may be closed by its owner: no loss.
    if (!this.over && (!this.#borrowed || !this.#up || error instanceof Error)) {
      this.#report.lost(this.#attempts, error instanceof Error ? this.cause(error) : undefined, true);
    }
    this.#up = false;
    const detail = error instanceof Error ? `: ${this.clean(textOf(error))}` : "";
    const reason = `its connection was closed${detail}`;
    this.end({ reason, intended: false, ...(error instanceof Error ? { cause: this.cause(error) } : {}) });
  }

  async #watch(): Promise<void> {
    try {
      for await (const status of this.#client.status()) this.#onStatus(status);
    } catch (error) {
      this.#reportError(
        new RequestFault("lost", `the client tells its status no more: ${this.clean(textOf(error))}`),
      );
    }
  }

  #onStatus(status: ClientStatus): void {
    if (status.type === "disconnect") this.#onLost();
    else if (status.type === "reconnect") this.#onRestored();
    else if (status.type === "reconnecting") {
      this.#attempts += 1;
      this.#delay.attempted();
    } else if (status.type === "error") this.#onError(status);
  }

  #onLost(): void {
    if (!this.#up || this.over) return;
    this.#up = false;
    this.#attempts = 0;
    this.#report.lost(0);
    for (const listener of [...this.#listeners]) listener.connectionLost?.();
  }

  #onRestored(): void {
    if (this.#client.isClosed()) return;
    // One that was handed in may have been lost already.
    if (this.#up) this.#onLost();
    this.#up = true;
    this.#delay.reset();
    const { info } = this.#client;
    if (info !== undefined) this.#known = { version: info.version, maxPayload: info.max_payload };
    if (!this.over) this.#report.restored(this.#attempts);
    for (const listener of [...this.#listeners]) listener.connectionRestored?.();
  }

  #onError(status: ClientStatus): void {
    const refused = permissionOf(status);
    if (refused?.operation !== "publish") return;
    const fault = this.#refusal("publish", refused.subject, status.error);
    const handled = [...this.#listeners].filter((listener) =>
      listener.publishRefused?.(refused.subject, fault),
    );
    if (handled.length === 0) this.#reportError(fault, refused.subject);
  }

  #refusal(operation: "publish" | "subscription", subject: string, error: unknown): RequestFault {
    const what = operation === "publish" ? `to publish to "${subject}"` : `to subscribe to "${subject}"`;
    const denied = error === undefined || permissionOf(error) !== undefined;
    const reason = denied
      ? `the server does not permit this user ${what}; give it that permission, or connect as another`
      : this.clean(textOf(error));
    return new RequestFault("refused", reason, this.cause(error));
  }

  #reportError(error: unknown, topic = ""): void {
    reportError({ topic, error });
  }
}
