import { Outlet } from "../../../structures/outlet.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import type { Clock } from "../../../traits/clock.ts";
import { MessagesDroppedError, SubscriptionFailedError } from "../../../traits/errors.ts";
import type { BatchOptions, BatchSubscriber, SubscriberIterator } from "../../../traits/subscriber.ts";
import { Batches } from "../../shared/batches.ts";
import { reportOrWarn } from "../../shared/error-report.ts";
import { within } from "../../shared/within.ts";
import type {
  ClientMessage,
  ClientSubscription,
  ConnectionEnd,
  ConnectionListener,
  ServerConnection,
} from "../client.ts";
import { NatsMessage } from "../message/message.ts";
import type { InboxLimits, NatsSettings } from "../options.ts";
import { coreCapabilities } from "./capabilities.ts";
import { Inbox } from "./inbox.ts";

/** What a subscriber needs of its connection, which closes the subscribers that are open when it ends. */
export interface SubscriberConnection {
  readonly server: ServerConnection;
  readonly settings: NatsSettings;
  opened(subscriber: NatsSubscriber): void;
  closed(subscriber: NatsSubscriber): void;
}

/**
 * A subscription to a subject or a pattern, at most once. It misses messages that arrive while the connection is
 * lost, and drops those that do not fit its inbox: see `dropped`.
 */
export class NatsSubscriber implements BatchSubscriber<NatsMessage> {
  readonly topic: string;
  readonly capabilities: Capabilities = coreCapabilities;
  readonly #connection: SubscriberConnection;
  readonly #limits: InboxLimits;
  readonly #inbox: Inbox;
  readonly #outlet: Outlet<NatsMessage>;
  readonly #subscription: ClientSubscription;
  readonly #listener: ConnectionListener;
  #failure: SubscriptionFailedError | undefined = undefined;
  #warned = false;
  #detached: Promise<void> | undefined = undefined;
  #closing: Promise<void> | undefined = undefined;

  /** @internal Resolves when it is live. */
  static async open(
    connection: SubscriberConnection,
    subject: string,
    group: string | undefined,
    limits: InboxLimits,
  ): Promise<NatsSubscriber> {
    connection.server.check("subscribe()");
    const subscriber = new NatsSubscriber(connection, subject, group, limits);
    try {
      await connection.server.flush();
    } catch (cause) {
      // The client subscribes again when it has reconnected; whoever waits for this call does not know when.
      await subscriber.close();
      connection.server.check("subscribe()");
      const reason = "the connection was lost before the server had it";
      throw new SubscriptionFailedError({ topic: subject, reason, cause });
    }
    if (subscriber.#failure !== undefined) throw subscriber.#failure;
    return subscriber;
  }

  private constructor(
    connection: SubscriberConnection,
    subject: string,
    group: string | undefined,
    limits: InboxLimits,
  ) {
    this.topic = subject;
    this.#connection = connection;
    this.#limits = limits;
    this.#inbox = new Inbox(limits, connection.settings.clock, (dropped) =>
      this.#reportLoss(dropped, full(limits)),
    );
    this.#outlet = new Outlet(subject, { take: (max) => this.#inbox.take(max) });
    this.#subscription = connection.server.subscribe(
      subject,
      group,
      (message) => this.#take(message),
      (fault) => this.#fail(fault.message, fault),
    );
    this.#listener = { connectionEnded: (ending) => this.#onEnd(ending) };
    connection.server.add(this.#listener);
    connection.opened(this);
  }

  /**
   * How many messages did not fit the inbox since the subscription opened. If the connection ends for good, the
   * messages in the inbox count too.
   */
  get dropped(): number {
    return this.#inbox.dropped;
  }

  get clock(): Clock {
    return this.#connection.settings.clock;
  }

  [Symbol.asyncIterator](): SubscriberIterator<NatsMessage> {
    return this.#outlet.iterate();
  }

  batches(options: BatchOptions): AsyncIterable<NatsMessage[]> {
    const supply = {
      iterate: () => this.#outlet.iterate(),
      giveBack: (messages: readonly NatsMessage[]) => this.#inbox.giveBack(messages),
      isLive: () => true,
    };
    return new Batches(supply, this.#connection.settings.clock, options);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** If the connection is gone for good, reports what is in the inbox as dropped, and fails. */
  #onEnd(ending: ConnectionEnd): void {
    if (ending.intended) return;
    const left = this.#inbox.abandon();
    if (left > 0) this.#reportLoss(left, "the connection was closed before they were taken");
    this.#fail(ending.reason, ending.cause);
  }

  #take(client: ClientMessage): void {
    if (this.#outlet.over) return;
    if (this.#inbox.push(new NatsMessage(client))) this.#outlet.serve();
    else {
      const { maxMessages, maxBytes } = this.#limits;
      this.#fail(
        `its inbox is full (${maxMessages} messages or ${maxBytes} bytes), and its overflow is "fail"`,
      );
    }
  }

  /** Messages that have come are handed out before the error. */
  #fail(reason: string, cause?: unknown): void {
    if (this.#outlet.over) return;
    this.#failure = new SubscriptionFailedError({ topic: this.topic, reason, cause });
    this.#outlet.end({ error: this.#failure });
    // Does not reject.
    void this.#detach();
  }

  async #close(): Promise<void> {
    this.#outlet.end();
    this.#inbox.clear();
    await this.#detach();
  }

  #detach(): Promise<void> {
    this.#detached ??= this.#unsubscribe();
    return this.#detached;
  }

  async #unsubscribe(): Promise<void> {
    const { server, settings } = this.#connection;
    server.delete(this.#listener);
    this.#connection.closed(this);
    if (!server.up) return;
    this.#subscription.unsubscribe();
    await within(settings.clock, settings.closeTimeoutMs, server.flush());
  }

  #reportLoss(dropped: number, reason: string): void {
    const error = new MessagesDroppedError({
      topic: this.topic,
      dropped,
      total: this.#inbox.dropped,
      reason,
    });
    reportOrWarn({ topic: this.topic, error }, () => {
      if (this.#warned) return undefined;
      this.#warned = true;
      return `${error.message} Said once for this subscription.`;
    });
  }
}

function full({ overflow, maxMessages, maxBytes }: InboxLimits): string {
  return `the inbox was full (${maxMessages} messages or ${maxBytes} bytes, overflow "${overflow}"); take them faster, or make it larger`;
}
