import { within } from "../../shared/within.ts";
import type { ClientHeaders } from "../client.ts";
import type { NatsSettings } from "../options.ts";
import { Requests } from "../publisher/requests.ts";
import type { ReconnectingConnection } from "./reconnecting-connection.ts";

/** A subscriber: it tells the server when it closes. */
export interface Closable {
  close(): Promise<void>;
}

/** One connection of a client with its requests and open subscribers, shared by `NatsConnection` and `JetStreamConnection`. */
export class CoreConnection {
  readonly server: ReconnectingConnection;
  readonly settings: NatsSettings;
  readonly requests: Requests;
  readonly makeHeaders: () => ClientHeaders;
  /** The client's connection was made elsewhere and stays open. */
  readonly #borrowed: boolean;
  readonly #open = new Set<Closable>();
  #closing: Promise<void> | undefined = undefined;

  constructor(
    server: ReconnectingConnection,
    settings: NatsSettings,
    makeHeaders: () => ClientHeaders,
    borrowed: boolean,
  ) {
    this.server = server;
    this.settings = settings;
    this.makeHeaders = makeHeaders;
    this.requests = new Requests(server, settings.clock, settings.inboxPrefix);
    this.#borrowed = borrowed;
  }

  opened(closable: Closable): void {
    this.#open.add(closable);
  }

  closed(closable: Closable): void {
    this.#open.delete(closable);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    const { clock, closeTimeoutMs } = this.settings;
    this.server.end({ reason: "its connection was closed", intended: true });
    // Each is bounded in time, and none rejects.
    await Promise.all([...this.#open].map((closable) => closable.close()));
    if (!this.#borrowed) await within(clock, closeTimeoutMs, this.server.close());
  }
}
