import type {
  Connection,
  ConnectionState,
  DescribeServer,
  PatternSubscribe,
  ServerDescription,
  Subscribe,
  SubscriptionSource,
} from "../../../traits/broker.ts";
import { setHome, setReach } from "../../../traits/reach.ts";
import type { Subscriber } from "../../../traits/subscriber.ts";
import { ClosableConnection } from "../../shared/closable-connection.ts";
import { NatsSubscriber } from "../consumer/subscriber.ts";
import { checkPattern, checkSubject, includes } from "../message/subject.ts";
import { checkSubscribeOptions, type NatsPublisherOptions, type NatsSubscribeOptions } from "../options.ts";
import { NatsPublisher } from "../publisher/publisher.ts";
import type { CoreConnection } from "./core-connection.ts";

/** A connection to subjects: at most once, without acks. */
export class NatsConnection
  extends ClosableConnection
  implements Connection, DescribeServer, Subscribe<NatsSubscriber>, PatternSubscribe<string, NatsSubscriber>
{
  readonly #connection: CoreConnection;

  /** @internal */
  constructor(connection: CoreConnection) {
    super();
    this.#connection = connection;
  }

  get state(): ConnectionState {
    return this.#connection.server.state;
  }

  describe(): ServerDescription {
    return this.#connection.server.describe();
  }

  publisher(options: NatsPublisherOptions = {}): NatsPublisher {
    return setHome(new NatsPublisher(this.#connection, options), this.#connection);
  }

  /** Subscribes to a subject, or opens a source and gives its subscriber. */
  subscribe(subject: string, options?: NatsSubscribeOptions): Promise<NatsSubscriber>;
  subscribe<S extends Subscriber>(source: SubscriptionSource<NatsConnection, S>): Promise<S>;
  async subscribe(
    target: string | SubscriptionSource<NatsConnection>,
    options: NatsSubscribeOptions = {},
  ): Promise<Subscriber> {
    this.#connection.server.check("subscribe()");
    if (typeof target === "object" && target !== null) return target.open(this);
    checkSubject("subscribe(subject)", target, "; for those there is subscribePattern()");
    const limits = checkSubscribeOptions(`connection.subscribe("${target}", options)`, options);
    return this.#open(target, options.group, limits);
  }

  /**
   * Subscribes to every subject that the pattern matches. `*` matches one token between dots; `>` at the end
   * matches one or more.
   */
  async subscribePattern(pattern: string, options: NatsSubscribeOptions = {}): Promise<NatsSubscriber> {
    this.#connection.server.check("subscribePattern()");
    checkPattern("subscribePattern(pattern)", pattern);
    const limits = checkSubscribeOptions(`connection.subscribePattern("${pattern}", options)`, options);
    return this.#open(pattern, options.group, limits);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #open(
    filter: string,
    group: string | undefined,
    limits: ReturnType<typeof checkSubscribeOptions>,
  ): Promise<NatsSubscriber> {
    const subscriber = await NatsSubscriber.open(this.#connection, filter, group, limits);
    return setReach(subscriber, this.#connection, (subject) => includes(filter, subject));
  }
}
