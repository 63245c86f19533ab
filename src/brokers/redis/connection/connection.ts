import type {
  Connection,
  ConnectionState,
  DescribeServer,
  ServerDescription,
  Subscribe,
  SubscriptionSource,
} from "../../../traits/broker.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import type { Subscriber } from "../../../traits/subscriber.ts";
import { ClosableConnection } from "../../shared/closable-connection.ts";
import { RedisSubscriber } from "../consumer/subscriber.ts";
import { showAddress } from "../errors.ts";
import {
  checkPublisherOptions,
  checkStreamOptions,
  type RedisPublisherOptions,
  type RedisStreamOptions,
} from "../options.ts";
import { type PublisherContext, RedisPublisher } from "../publisher/publisher.ts";
import { Requests } from "../publisher/requests.ts";
import { SendQueue } from "../publisher/send-queue.ts";
import type { ReconnectingConnection } from "./reconnecting-connection.ts";

/** A connection to Redis, over all its reconnects. */
export class RedisConnection
  extends ClosableConnection
  implements Connection, DescribeServer, Subscribe<RedisSubscriber>
{
  readonly #connection: ReconnectingConnection;
  readonly #publishing: PublisherContext;

  /** @internal */
  constructor(connection: ReconnectingConnection) {
    super();
    this.#connection = connection;
    const queue = new SendQueue(connection);
    let requests: Requests | undefined;
    this.#publishing = {
      connection,
      queue,
      requests: () => {
        requests ??= new Requests(connection, queue);
        return requests;
      },
    };
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  describe(): ServerDescription {
    const { settings, version } = this.#connection;
    const { address } = settings;
    return { protocol: address.protocol, address: showAddress(address), ...(version !== "" && { version }) };
  }

  publisher(options: RedisPublisherOptions = {}): RedisPublisher {
    return new RedisPublisher(this.#publishing, checkPublisherOptions(options));
  }

  /** By the name of a stream, or by a source, whose own subscriber is the result. */
  subscribe(stream: string, options?: RedisStreamOptions): Promise<RedisSubscriber>;
  subscribe<S extends Subscriber>(source: SubscriptionSource<RedisConnection, S>): Promise<S>;
  async subscribe(
    target: string | SubscriptionSource<RedisConnection>,
    options?: RedisStreamOptions,
  ): Promise<Subscriber> {
    this.#connection.check("subscribe()");
    if (typeof target === "object" && target !== null) {
      if (options === undefined) return target.open(this);
      throw new InvalidArgumentError({
        argument: "subscribe(source, options)",
        expected: "called without options, as the source holds its own",
        received: options,
      });
    }
    return RedisSubscriber.open(this.#connection, checkStreamOptions("subscribe", target, options ?? {}));
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
