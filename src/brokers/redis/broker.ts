import type { Broker, SubscriptionSource, UsualSourceOptions } from "../../traits/broker.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { checkOptionNames } from "../../traits/option-names.ts";
import type { ConnectSettings } from "./connection/client-connection.ts";
import { RedisConnection } from "./connection/connection.ts";
import { connectSettings, dial } from "./connection/dial.ts";
import type { RedisBrokerOptions } from "./options.ts";
import { usualSource } from "./source.ts";

/** Redis Streams. Needs the package `redis`, and a server of 6.2 or later. */
export class RedisBroker implements Broker<RedisConnection> {
  readonly name: string;
  readonly #settings: ConnectSettings;

  constructor(options: RedisBrokerOptions = {}) {
    this.#settings = connectSettings(options);
    this.name = this.#settings.name;
  }

  /** A stream has one name: a pattern is refused. */
  source(stream: string, options?: UsualSourceOptions): SubscriptionSource<RedisConnection> {
    return usualSource(stream, options);
  }

  /**
   * Tries once, and again for as long as `connect.waitMs` says while the server cannot be reached. After that first time, a
   * lost connection is restored by itself.
   */
  async connect(options?: { readonly signal?: AbortSignal }): Promise<RedisConnection> {
    checkOptionNames("connect(options)", options, { signal: true });
    throwIfAborted(options?.signal, "connect()");
    return new RedisConnection(await dial(this.#settings, options?.signal));
  }
}
