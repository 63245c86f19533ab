import { checkName } from "../../../traits/arguments.ts";
import type {
  Connection,
  ConnectionState,
  DescribeServer,
  PatternSubscribe,
  ServerDescription,
  Subscribe,
  SubscriptionSource,
} from "../../../traits/broker.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { settledAtOnce } from "../../../traits/message.ts";
import { setHome, setReach } from "../../../traits/reach.ts";
import type { Subscriber } from "../../../traits/subscriber.ts";
import { ClosableConnection } from "../../shared/closable-connection.ts";
import { Consumer } from "../consumer/consumer.ts";
import { MemorySubscriber } from "../consumer/subscriber.ts";
import {
  capabilitiesOf,
  checkConcreteTopic,
  checkSubscribeOptions,
  type SubscribeOptions,
} from "../options/options.ts";
import { Pattern } from "../options/pattern.ts";
import { MemoryPublisher } from "../publisher/publisher.ts";
import type { Group } from "../server/group.ts";
import type { MemoryServer } from "../server/server.ts";
import type { Topic } from "../server/topic.ts";
import { Lifetime } from "./lifetime.ts";

/** A connection to a memory broker. All connections of a broker share its topics. */
export class MemoryConnection
  extends ClosableConnection
  implements
    Connection,
    DescribeServer,
    Subscribe<MemorySubscriber>,
    PatternSubscribe<string, MemorySubscriber>
{
  readonly #server: MemoryServer;
  readonly #lifetime: Lifetime;
  readonly #publisher: MemoryPublisher;

  /** @internal */
  constructor(server: MemoryServer, broker: string, maxPayloadBytes: number) {
    super();
    this.#server = server;
    this.#lifetime = new Lifetime(broker);
    this.#publisher = setHome(new MemoryPublisher(server, this.#lifetime, maxPayloadBytes), server);
  }

  get state(): ConnectionState {
    return this.#lifetime.over ? "closed" : "open";
  }

  describe(): ServerDescription {
    return { protocol: "memory", address: "in process" };
  }

  publisher(): MemoryPublisher {
    return this.#publisher;
  }

  /** Subscribes to a topic, or opens a source and gives its subscriber. */
  subscribe<S extends Subscriber>(source: SubscriptionSource<MemoryConnection, S>): Promise<S>;
  subscribe(topic: string, options?: SubscribeOptions): Promise<MemorySubscriber>;
  async subscribe(
    target: string | SubscriptionSource<MemoryConnection>,
    options: SubscribeOptions = {},
  ): Promise<Subscriber> {
    this.#lifetime.check("subscribe()");
    if (typeof target === "object" && target !== null) return target.open(this);
    checkConcreteTopic("subscribe(topic)", target, "; for those there is subscribePattern()");
    checkSubscribeOptions("subscribe(topic, options)", options);
    checkDeadLetter(options, target === options.deadLetter?.topic);
    const topic = this.#server.topic(target);
    const subscriber = this.#open(target, this.#server.groupOfTopic(topic, options), topic, options);
    return setReach(subscriber, this.#server, (other) => other === target);
  }

  /**
   * Subscribes to every topic that the pattern matches, later ones too. `*` matches one token between dots; `>` at
   * the end matches one or more.
   */
  async subscribePattern(pattern: string, options: SubscribeOptions = {}): Promise<MemorySubscriber> {
    this.#lifetime.check("subscribePattern()");
    checkName("subscribePattern(pattern)", pattern);
    checkSubscribeOptions("subscribePattern(pattern, options)", options);
    const parsed = new Pattern("subscribePattern(pattern)", pattern);
    checkDeadLetter(options, options.deadLetter !== undefined && parsed.matches(options.deadLetter.topic));
    const subscriber = this.#open(pattern, this.#server.groupOfPattern(parsed, options), undefined, options);
    return setReach(subscriber, this.#server, (topic) => parsed.matches(topic));
  }

  /**
   * Deletes a group of a topic or a pattern, with the messages that only it had yet to settle. Resolves with
   * whether there was one. Rejects with `InvalidArgumentError` while the group has subscriptions, on any
   * connection.
   */
  async deleteGroup(topic: string, group: string): Promise<boolean> {
    this.#lifetime.check("deleteGroup()");
    return this.#server.deleteGroup(
      checkName("deleteGroup(topic)", topic),
      checkName("deleteGroup(group)", group),
    );
  }

  close(): Promise<void> {
    this.#lifetime.end({ reason: "its connection was closed", killed: false });
    return settledAtOnce;
  }

  /**
   * Ends the connection as a crash would: its subscriptions reject once with `SubscriptionFailedError`, and its
   * deliveries are revoked.
   */
  kill(reason = "its connection was killed"): void {
    this.#lifetime.end({ reason, killed: true });
  }

  #open(name: string, group: Group, topic: Topic | undefined, options: SubscribeOptions): MemorySubscriber {
    const consumer = new Consumer(name, group, this.#lifetime);
    const capabilities = capabilitiesOf({ ...options, ...group.described }, topic !== undefined);
    return new MemorySubscriber({ consumer, group, topic, capabilities, clock: this.#server.clock });
  }
}

function checkDeadLetter(options: SubscribeOptions, isSubscribed: boolean): void {
  if (!isSubscribed) return;
  throw new InvalidArgumentError({
    argument: "options.deadLetter.topic",
    expected: "a topic that this subscription does not read: it would get its own dead letters",
    received: options.deadLetter?.topic,
  });
}
