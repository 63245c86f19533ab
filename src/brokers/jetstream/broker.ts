import type { Broker } from "../../traits/broker.ts";
import { ConnectFailedError } from "../../traits/errors.ts";
import { checkOptionNames } from "../../traits/option-names.ts";
import type { Session } from "../nats/connection/core-connection.ts";
import { dial } from "../nats/connection/dial.ts";
import { OldServerNotice } from "../nats/connection/old-server.ts";
import { textOf } from "../nats/errors.ts";
import { checkOptions, type NatsSettings } from "../nats/options.ts";
import { type ApiSettings, JetStreamApi } from "./client.ts";
import { JetStreamConnection } from "./connection/connection.ts";
import { JetStreamApiError } from "./errors.ts";
import { checkApi, type JetStreamOptions, jetStreamOptionNames } from "./options.ts";

/**
 * NATS with JetStream: streams that keep messages, consumers that acknowledge them.
 *
 * Needs nats-server 2.10 or later, and the package `nats` 2.29 or a client in the options.
 */
export class JetStreamBroker implements Broker<JetStreamConnection> {
  readonly name: string;
  readonly #settings: NatsSettings;
  readonly #api: ApiSettings;
  readonly #notice: OldServerNotice;

  constructor(options: JetStreamOptions = {}) {
    checkOptionNames("new JetStreamBroker(options)", options, jetStreamOptionNames);
    this.#settings = checkOptions(options, "jetstream");
    this.#api = checkApi(options);
    this.name = this.#settings.name;
    this.#notice = new OldServerNotice(this.name);
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<JetStreamConnection> {
    const signal = options?.signal;
    const session = await dial(this.#settings, signal, (made) => this.#checkServer(made, signal));
    this.#notice.look(session.link.version);
    return new JetStreamConnection(session, this.#api);
  }

  async #checkServer(session: Session, signal: AbortSignal | undefined): Promise<void> {
    const broker = this.name;
    const { version } = session.link;
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (version !== "" && (major < 2 || (major === 2 && minor < 9))) {
      const reason = `the server is ${version}, and tidelane supports 2.10 and later; update the server`;
      throw new ConnectFailedError({ broker, reason, retryable: false });
    }
    try {
      await new JetStreamApi(session, this.#api).call("INFO", undefined, signal);
    } catch (error) {
      if (signal?.aborted || session.link.over) throw error;
      // Who has no permission for this call may have it for those that matter.
      if (!(error instanceof JetStreamApiError)) return;
      // n.b. JetStream starts after its server does, and a cluster has no leader for a moment.
      const retryable = error.status >= 503;
      throw new ConnectFailedError({ broker, reason: textOf(error), retryable, cause: error });
    }
  }
}
