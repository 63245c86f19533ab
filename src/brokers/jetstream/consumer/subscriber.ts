import type { Capabilities } from "../../../traits/capabilities.ts";
import { type Clock, sleep } from "../../../traits/clock.ts";
import { diagnostics } from "../../../traits/diagnostics.ts";
import { SubscriptionFailedError } from "../../../traits/errors.ts";
import type {
  BatchOptions,
  BatchSubscriber,
  Pausable,
  Seekable,
  SubscriberIterator,
} from "../../../traits/subscriber.ts";
import type { ConnectionEnd, ConnectionListener } from "../../nats/client.ts";
import type { CoreConnection } from "../../nats/connection/core-connection.ts";
import { RequestFault, textOf } from "../../nats/errors.ts";
import { Batches } from "../../shared/batches.ts";
import { within } from "../../shared/within.ts";
import type { JetStreamApi } from "../client.ts";
import type { JetStreamMessage } from "../message/message.ts";
import type { JetStreamSubscribeSettings } from "../options.ts";
import { type Consumer, openConsumer } from "../topology/topology.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { PullSubscription } from "./pull-subscription.ts";
import { ConsumerWatch } from "./recovery/consumer-watch.ts";
import { findConsumerAgain, type RecoveryContext, resumeAt, retry } from "./recovery/find-consumer.ts";
import { nakUnheld } from "./recovery/nak-unheld.ts";
import { type JetStreamPosition, locate } from "./seek.ts";

/** Between a refusal and the next request. */
const retryMs = 250;

/** A subscription to a subject of a stream, or to a pattern, through a pull consumer. */
export class JetStreamSubscriber
  implements BatchSubscriber<JetStreamMessage>, Seekable<JetStreamPosition>, Pausable
{
  readonly topic: string;
  readonly #api: JetStreamApi;
  readonly #connection: CoreConnection;
  readonly #consumer: Consumer;
  readonly #settings: JetStreamSubscribeSettings;
  readonly #pull: PullSubscription;
  readonly #listener: ConnectionListener;
  readonly #watch: ConsumerWatch;
  #capabilities: Capabilities;
  readonly #over = new AbortController();
  /** What is done to the consumer, one at a time. Never rejects. */
  #recovery: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined = undefined;

  /** @internal */
  static async open(
    api: JetStreamApi,
    filter: string,
    settings: JetStreamSubscribeSettings,
  ): Promise<JetStreamSubscriber> {
    const consumer = await openConsumer(api, filter, settings);
    try {
      // It may have ended while the consumer was made.
      api.connection.server.check("subscribe()");
    } catch (error) {
      if (api.connection.server.up) consumer.deleteIfEphemeral();
      throw error;
    }
    return new JetStreamSubscriber(api, consumer, settings);
  }

  private constructor(api: JetStreamApi, consumer: Consumer, settings: JetStreamSubscribeSettings) {
    const { connection } = api;
    this.topic = consumer.filter;
    this.#capabilities = capabilitiesOf(settings, consumer);
    this.#api = api;
    this.#connection = connection;
    this.#consumer = consumer;
    this.#settings = settings;
    this.#pull = new PullSubscription(
      { connection, consumer, settings, confirmMs: api.timeoutMs },
      {
        needsRecovery: (reason, wasDeleted) => this.#recover(reason, wasDeleted ? "deleted" : "trouble"),
        failed: (reason) => this.#fail(reason),
        mayHaveChanged: () => this.#watch.suspect(),
      },
    );
    const { server } = connection;
    const { clock } = connection.settings;
    this.#watch = new ConsumerWatch({ server, clock, consumer }, () => this.#onDeadline());
    this.#listener = {
      connectionEnded: (ending) => this.#onEnd(ending),
      connectionLost: () => this.#pull.connectionLost(),
      connectionRestored: () => {
        this.#pull.connectionRestored();
        this.#recover("the connection was restored", "restored");
      },
      publishRefused: (subject, fault) => {
        if (!this.#consumer.isAckSubject(subject)) return false;
        // Nobody waits for an ack: without this every message would come again and again, and nobody would know why.
        this.#fail(`what is settled does not get through: ${fault.message}`, fault);
        return true;
      },
    };
    server.add(this.#listener);
    connection.opened(this);
    if (settings.sole) this.#recovery = this.#begin();
  }

  /** Its `ackDeadlineMs` is the deadline that the consumer has now. */
  get capabilities(): Capabilities {
    return this.#capabilities;
  }

  get clock(): Clock {
    return this.#connection.settings.clock;
  }

  [Symbol.asyncIterator](): SubscriberIterator<JetStreamMessage> {
    return this.#pull.iterate();
  }

  /** `maxWaitMs` must be less than the ack deadline. */
  batches(options: BatchOptions): AsyncIterable<JetStreamMessage[]> {
    return new Batches(this.#pull, this.#connection.settings.clock, options, this.#consumer.ackDeadlineMs);
  }

  get paused(): boolean {
    return this.#pull.paused;
  }

  /** Sends no pull requests until `resume()`. Messages that are on their way are still delivered. */
  pause(): void {
    if (!this.#over.signal.aborted) this.#pull.pause();
  }

  resume(): void {
    this.#pull.resume();
  }

  /**
   * Moves the consumer, and with it the whole group: tidelane deletes the consumer and creates it again. Deliveries
   * in flight are revoked, here at once, and in the rest of the group when the server says so. Delivery counts
   * start at 1. A crash between the two steps leaves the group without a consumer. Rejects with
   * `PositionUnavailableError`, and moves nothing, if the stream does not have the message.
   */
  async seek(position: JetStreamPosition): Promise<void> {
    this.#checkOpen("seek()");
    const work = this.#recovery.then(async () => {
      this.#checkOpen("seek()");
      const from = await locate(position, this.#consumer).catch((error: unknown) => {
        throw this.#api.unanswered("seek()", error);
      });
      this.#pull.suspend();
      try {
        this.#pull.discard("its subscriber was moved by seek()");
        await retry(() => this.#consumer.recreateAt(from), this.#recoveryContext());
        this.#pull.start();
      } catch (error) {
        this.#fail(`seek() left it without its consumer: ${textOf(error)}`, error);
        throw this.#api.unanswered("seek()", error);
      } finally {
        this.#pull.proceed();
      }
    });
    this.#recovery = work.catch(() => {});
    await work;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close("its subscriber was closed");
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #checkOpen(during: string): void {
    this.#connection.server.check(during);
    if (!this.#over.signal.aborted) return;
    const reason = `it is closed, so ${during} is not possible`;
    throw new SubscriptionFailedError({ topic: this.topic, reason });
  }

  /** Finds the consumer again. Until then no pull request is sent. */
  #recover(reason: string, why: "trouble" | "deleted" | "restored"): void {
    if (this.#over.signal.aborted) return;
    this.#pull.suspend();
    this.#report("lost", reason);
    this.#recovery = this.#recovery.then(async () => {
      try {
        // What is refused now is refused again in a moment.
        if (why === "trouble") await sleep(this.#connection.settings.clock, retryMs, this.#over.signal);
        await this.#findConsumer(why === "deleted");
      } catch (error) {
        this.#fail(`${this.#consumer} is out of reach (${reason}): ${textOf(error)}`, error);
      }
    });
  }

  async #findConsumer(wasDeleted: boolean): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return;
    const state = await findConsumerAgain(this.#consumer, this.#recoveryContext(), wasDeleted);
    this.#watch.compare();
    if (signal.aborted || state === "disconnected") return;
    if (state === "stream gone") throw new Error("its stream was deleted");
    if (state === "gone") {
      if (!this.#consumer.isEphemeral) throw new Error("it was deleted, with the position of its group");
      const sequence = this.#pull.restart("its consumer was deleted");
      await retry(() => resumeAt(sequence, this.#consumer), this.#recoveryContext());
    } else if (state === "renewed") {
      this.#pull.restart("its consumer was deleted and made again");
    }
    this.#pull.consumerFound();
    if (this.#settings.sole && !(await this.#nakUnheld())) return;
    this.#report("restored");
    this.#pull.proceed();
  }

  /** What a reader before this one left comes first. Does not reject. */
  async #begin(): Promise<void> {
    try {
      if (await this.#nakUnheld()) this.#pull.proceed();
    } catch (error) {
      this.#fail(`what ${this.#consumer} has delivered cannot be taken back: ${textOf(error)}`, error);
    }
  }

  /** False where it is not done: it will be, when the connection is back or after a moment. */
  async #nakUnheld(): Promise<boolean> {
    const { signal } = this.#over;
    const connection = this.#connection;
    const [consumer, pull, { timeoutMs }] = [this.#consumer, this.#pull, this.#api];
    pull.renew();
    try {
      const holds = (sequence: number): boolean => pull.holds(sequence);
      pull.expectRedelivery(await nakUnheld({ connection, consumer, timeoutMs, holds }));
      return !signal.aborted;
    } catch (error) {
      if (signal.aborted || !connection.server.up) return false;
      if (error instanceof RequestFault && error.kind === "refused") throw error;
      this.#recover(textOf(error), "trouble");
      return false;
    }
  }

  #onDeadline(): void {
    this.#capabilities = capabilitiesOf(this.#settings, this.#consumer);
    this.#pull.deadlineChanged();
  }

  #recoveryContext(): RecoveryContext {
    const { server, settings } = this.#connection;
    return {
      server,
      clock: settings.clock,
      recoveryMs: this.#settings.recoveryMs,
      signal: this.#over.signal,
    };
  }

  #onEnd(ending: ConnectionEnd): void {
    // Where the end was intended, the connection closes its subscribers itself.
    if (!ending.intended) this.#fail(ending.reason, ending.cause);
  }

  #fail(reason: string, cause?: unknown): void {
    const error = new SubscriptionFailedError({ topic: this.topic, reason, cause });
    this.#pull.outlet.end({ error });
    // Does not reject.
    this.#closing ??= this.#close(reason, cause);
  }

  async #close(reason: string, cause?: unknown): Promise<void> {
    const { server, settings } = this.#connection;
    server.delete(this.#listener);
    this.#connection.closed(this);
    this.#over.abort();
    this.#watch.end();
    const naksSent = this.#pull.close(reason, cause);
    this.#pull.outlet.end();
    if (!server.up) return;
    const left = naksSent.then(() => {
      this.#consumer.deleteIfEphemeral();
      return server.flush();
    });
    await within(settings.clock, settings.closeTimeoutMs, left);
  }

  #report(state: "lost" | "restored", reason?: string): void {
    const channel = diagnostics["tidelane:reconnect"];
    if (!channel.hasSubscribers) return;
    const broker = `${this.#connection.server.broker}: ${this.#consumer}`;
    channel.publish({
      broker,
      state,
      attempt: 0,
      ...(reason === undefined ? {} : { error: new Error(reason) }),
    });
  }
}
