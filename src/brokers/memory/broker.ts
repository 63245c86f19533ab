import type { Broker, SubscriptionSource, UsualSourceOptions } from "../../traits/broker.ts";
import { throwIfAborted } from "../../traits/errors.ts";
import { settledAtOnce } from "../../traits/message.ts";
import { checkOptionNames, optionNames } from "../../traits/option-names.ts";
import { MemoryConnection } from "./connection/connection.ts";
import { checkOptions, type MemoryBrokerOptions } from "./options/options.ts";
import { MemoryServer } from "./server/server.ts";
import { memoryPatternSource, memorySource } from "./source.ts";

const connectNames = optionNames<{ signal?: AbortSignal }>()({ signal: true });

/**
 * A broker inside this process. Topics, groups and messages live as long as this object, and all its connections
 * share them.
 */
export class MemoryBroker implements Broker<MemoryConnection> {
  readonly name: string;
  readonly #server: MemoryServer;
  readonly #maxPayloadBytes: number;

  constructor(options: MemoryBrokerOptions = {}) {
    const { name, clock, maxPayloadBytes, unread, optionsOf } = checkOptions(options);
    this.name = name;
    this.#maxPayloadBytes = maxPayloadBytes;
    this.#server = new MemoryServer(clock, optionsOf, unread);
  }

  source(topic: string, { group, pattern }: UsualSourceOptions = {}): SubscriptionSource<MemoryConnection> {
    const options = group === undefined ? {} : { group };
    return pattern ? memoryPatternSource(topic, options) : memorySource(topic, options);
  }

  async connect(options?: { readonly signal?: AbortSignal }): Promise<MemoryConnection> {
    checkOptionNames("connect(options)", options, connectNames);
    throwIfAborted(options?.signal, "connect()");
    await settledAtOnce;
    throwIfAborted(options?.signal, "connect()");
    return new MemoryConnection(this.#server, this.name, this.#maxPayloadBytes);
  }
}
