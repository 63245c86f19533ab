import type { ClientMessage, ServerConnection } from "../client.ts";
import { delayedTable } from "../message/headers.ts";
import { ConfirmChannel } from "./confirm-channel.ts";
import { PendingPublish, type PublishFields } from "./pending-publish.ts";
import { Requests } from "./requests.ts";

/**
 * Everything one connection publishes by. Each exchange has a confirm channel of its own: one that does not exist costs the
 * channel it was published on, and with it the answers of others.
 */
export class ConfirmChannels {
  readonly #connection: ServerConnection;
  readonly #byExchange = new Map<string, ConfirmChannel>();
  readonly #requests = new Map<ConfirmChannel, Requests>();

  constructor(connection: ServerConnection) {
    this.#connection = connection;
  }

  of(exchange: string): ConfirmChannel {
    const known = this.#byExchange.get(exchange);
    if (known !== undefined) return known;
    const confirmChannel = new ConfirmChannel(this.#connection);
    this.#byExchange.set(exchange, confirmChannel);
    return confirmChannel;
  }

  requestsOf(confirmChannel: ConfirmChannel): Requests {
    const known = this.#requests.get(confirmChannel);
    if (known !== undefined) return known;
    const requests = new Requests(this.#connection, confirmChannel);
    this.#requests.set(confirmChannel, requests);
    return requests;
  }

  /**
   * Puts a copy of a delivery into a queue, where it waits. The copy says where the original was published, and how often it
   * was handled. It has no expiration, which would end the wait.
   */
  copy(queue: string, { content, fields, properties }: ClientMessage, retryCount: number): Promise<void> {
    const { headers = {}, deliveryMode, expiration: _, userId: __, ...others } = properties;
    const facts: PublishFields = {
      what: "nackAfter()",
      topic: queue,
      exchange: "",
      routingKey: queue,
      payload: content,
      settings: {
        ...definedOf(others),
        persistent: deliveryMode === 2,
        mandatory: true,
        headers: delayedTable(headers, fields.routingKey, retryCount),
      },
    };
    return new Promise((resolve, reject) => this.of("").send(new PendingPublish(facts, { resolve, reject })));
  }
}

function definedOf<T extends object>(values: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  };
}
