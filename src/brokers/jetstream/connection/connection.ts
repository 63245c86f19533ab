import type {
  Connection,
  ConnectionState,
  DescribeServer,
  PatternSubscribe,
  ServerDescription,
  Subscribe,
  SubscriptionSource,
} from "../../../traits/broker.ts";
import { InvalidArgumentError, NotSupportedError, SubscriptionFailedError } from "../../../traits/errors.ts";
import { checkOptionNames } from "../../../traits/option-names.ts";
import { setHome, setReach } from "../../../traits/reach.ts";
import type { Subscriber } from "../../../traits/subscriber.ts";
import { NatsConnection } from "../../nats/connection/connection.ts";
import type { CoreConnection } from "../../nats/connection/core-connection.ts";
import { RequestFault, textOf } from "../../nats/errors.ts";
import { checkPattern, checkSubject, includes } from "../../nats/message/subject.ts";
import { checkToken } from "../../nats/options.ts";
import { ClosableConnection } from "../../shared/closable-connection.ts";
import { type ApiSettings, JetStreamApi } from "../client.ts";
import { JetStreamSubscriber } from "../consumer/subscriber.ts";
import { apiErrors, isApiError, JetStreamApiError } from "../errors.ts";
import {
  checkStreamSettings,
  checkSubscribeOptions,
  type JetStreamPublisherOptions,
  type JetStreamSubscribeOptions,
  type JetStreamSubscribeSettings,
  type StreamSettings,
  streamNames,
} from "../options.ts";
import { JetStreamPublisher } from "../publisher/publisher.ts";
import { createStream } from "../topology/topology.ts";

/** A connection to streams: at least once. */
export class JetStreamConnection
  extends ClosableConnection
  implements
    Connection,
    DescribeServer,
    Subscribe<JetStreamSubscriber>,
    PatternSubscribe<string, JetStreamSubscriber>
{
  readonly #connection: CoreConnection;
  readonly #api: JetStreamApi;
  readonly #core: NatsConnection;

  /** @internal */
  constructor(connection: CoreConnection, settings: ApiSettings) {
    super();
    this.#connection = connection;
    this.#api = new JetStreamApi(connection, settings);
    this.#core = new NatsConnection(connection);
  }

  get state(): ConnectionState {
    return this.#connection.server.state;
  }

  /** The same connection, for requests and for subjects without a stream. It ends with this one. */
  get core(): NatsConnection {
    return this.#core;
  }

  describe(): ServerDescription {
    return this.#connection.server.describe();
  }

  publisher(options: JetStreamPublisherOptions = {}): JetStreamPublisher {
    return setHome(new JetStreamPublisher(this.#api, options), this.#connection);
  }

  /** Subscribes to a subject of a stream, or opens a source and gives its subscriber. */
  subscribe(subject: string, options?: JetStreamSubscribeOptions): Promise<JetStreamSubscriber>;
  subscribe<S extends Subscriber>(source: SubscriptionSource<JetStreamConnection, S>): Promise<S>;
  async subscribe(
    target: string | SubscriptionSource<JetStreamConnection>,
    options: JetStreamSubscribeOptions = {},
  ): Promise<Subscriber> {
    this.#connection.server.check("subscribe()");
    if (typeof target === "object" && target !== null) return target.open(this);
    checkSubject("subscribe(subject)", target, "; for those there is subscribePattern()");
    return this.#open(`connection.subscribe("${target}", options)`, target, options);
  }

  /**
   * Subscribes to every subject of a stream that the pattern matches. `*` matches one token between dots; `>` at
   * the end matches one or more.
   */
  async subscribePattern(
    pattern: string,
    options: JetStreamSubscribeOptions = {},
  ): Promise<JetStreamSubscriber> {
    this.#connection.server.check("subscribePattern()");
    checkPattern("subscribePattern(pattern)", pattern);
    return this.#open(`connection.subscribePattern("${pattern}", options)`, pattern, options);
  }

  /**
   * Creates the stream if it is missing. If it exists with other settings than `settings` name, it rejects with
   * `InvalidArgumentError` and changes nothing. With `update: "add"`, tidelane adds the subjects that the stream
   * lacks.
   */
  async createStream(name: string, settings: StreamSettings = {}): Promise<void> {
    this.#connection.server.check("createStream()");
    checkToken("createStream(name)", name);
    checkOptionNames(`connection.createStream("${name}", settings)`, settings, streamNames);
    checkStreamSettings("settings", settings);
    try {
      await createStream(this.#api, name, settings, "settings");
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw this.#api.unanswered("createStream()", error);
      const reason = textOf(error);
      if (error.status === 503) throw new NotSupportedError({ capability: "JetStream", reason });
      const expected = `what the server accepts for the stream "${name}" (it says: ${reason})`;
      throw new InvalidArgumentError({ argument: "settings", expected, received: settings });
    }
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #open(
    call: string,
    filter: string,
    options: JetStreamSubscribeOptions,
  ): Promise<JetStreamSubscriber> {
    const settings = checkSubscribeOptions(call, options);
    try {
      const subscriber = await JetStreamSubscriber.open(this.#api, filter, settings);
      return setReach(subscriber, this.#connection, (subject) => includes(filter, subject));
    } catch (error) {
      const refused = error instanceof RequestFault && error.kind === "refused";
      if (!refused && !(error instanceof JetStreamApiError)) throw this.#api.unanswered("subscribe()", error);
      throw new SubscriptionFailedError({ topic: filter, reason: refusal(error, settings), cause: error });
    }
  }
}

function refusal(error: unknown, { stream }: JetStreamSubscribeSettings): string {
  if (isApiError(error, apiErrors.streamNotFound))
    return `there is no stream "${stream}"; create it, or let create: true create it`;
  return error instanceof JetStreamApiError ? `the server refused it: ${textOf(error)}` : textOf(error);
}
