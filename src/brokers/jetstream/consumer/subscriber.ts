import type { Capabilities } from "../../../traits/capabilities.ts";
import { type Clock, sleep } from "../../../traits/clock.ts";
import { diagnostics } from "../../../traits/diagnostics.ts";
import {
  InvalidArgumentError,
  PositionUnavailableError,
  SubscriptionFailedError,
} from "../../../traits/errors.ts";
import type {
  BatchOptions,
  BatchSubscriber,
  Pausable,
  Seekable,
  SubscriberIterator,
} from "../../../traits/subscriber.ts";
import type { Session } from "../../nats/connection/core-connection.ts";
import type { Bound, Ending } from "../../nats/connection/server-connection.ts";
import { RequestFault, textOf } from "../../nats/errors.ts";
import { Batches } from "../../shared/batches.ts";
import { within } from "../../shared/within.ts";
import type { JetStreamApi } from "../client.ts";
import type { JetStreamMessage } from "../message/message.ts";
import type { JetStreamSubscribeSettings, StartPosition } from "../options.ts";
import { type Consumer, openConsumer } from "../topology/topology.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { Feed } from "./pull-subscription.ts";
import { ConsumerWatch } from "./recovery/consumer-watch.ts";
import { type CarePlace, lookFor, persist } from "./recovery/find-consumer.ts";
import { takeBack } from "./recovery/nak-unheld.ts";

/** A sequence of the stream, a moment, or an end of it: `"start"` is the oldest message there is, `"end"` the next to come. */
export type JetStreamPosition = number | Date | "start" | "end";

/** Between a refusal and the next request. */
const troubleMs = 250;

/** A subscription to a subject of a stream, or to a pattern, through a pull consumer. */
export class JetStreamSubscriber
  implements BatchSubscriber<JetStreamMessage>, Seekable<JetStreamPosition>, Pausable
{
  readonly topic: string;
  readonly #api: JetStreamApi;
  readonly #session: Session;
  readonly #consumer: Consumer;
  readonly #settings: JetStreamSubscribeSettings;
  readonly #feed: Feed;
  readonly #bound: Bound;
  readonly #watch: ConsumerWatch;
  #capabilities: Capabilities;
  readonly #over = new AbortController();
  /** What is done to the consumer, one at a time. Never rejects. */
  #care: Promise<void> = Promise.resolve();
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
      api.session.link.check("subscribe()");
    } catch (error) {
      if (api.session.link.up) consumer.leave();
      throw error;
    }
    return new JetStreamSubscriber(api, consumer, settings);
  }

  private constructor(api: JetStreamApi, consumer: Consumer, settings: JetStreamSubscribeSettings) {
    const { session } = api;
    this.topic = consumer.filter;
    this.#capabilities = capabilitiesOf(settings, consumer);
    this.#api = api;
    this.#session = session;
    this.#consumer = consumer;
    this.#settings = settings;
    this.#feed = new Feed(
      { session, consumer, settings, confirmMs: api.timeoutMs },
      {
        trouble: (reason, wasDeleted) => this.#recover(reason, wasDeleted ? "deleted" : "trouble"),
        hopeless: (reason) => this.#fail(reason),
        suspect: () => this.#watch.suspect(),
      },
    );
    const { link } = session;
    const { clock } = session.settings;
    this.#watch = new ConsumerWatch({ link, clock, consumer }, () => this.#onDeadline());
    this.#bound = {
      end: (ending) => this.#onEnd(ending),
      lost: () => this.#feed.lost(),
      restored: () => {
        this.#feed.restored();
        this.#recover("the connection was restored", "restored");
      },
      refused: (subject, fault) => {
        if (!this.#consumer.isAnswerSubject(subject)) return false;
        // Nobody waits for an ack: without this every message would come again and again, and nobody would know why.
        this.#fail(`what is settled does not get through: ${fault.message}`, fault);
        return true;
      },
    };
    link.add(this.#bound);
    session.opened(this);
    if (settings.sole) this.#care = this.#begin();
  }

  /** By the ack deadline that the consumer has now. */
  get capabilities(): Capabilities {
    return this.#capabilities;
  }

  get clock(): Clock {
    return this.#session.settings.clock;
  }

  [Symbol.asyncIterator](): SubscriberIterator<JetStreamMessage> {
    return this.#feed.iterate();
  }

  /** `maxWaitMs` has to be less than the ack deadline. */
  batches(options: BatchOptions): AsyncIterable<JetStreamMessage[]> {
    return new Batches(this.#feed, this.#session.settings.clock, options, this.#consumer.ackDeadlineMs);
  }

  get paused(): boolean {
    return this.#feed.paused;
  }

  /** The requests for messages are taken back; what is on its way is still handed out. */
  pause(): void {
    if (!this.#over.signal.aborted) this.#feed.pause();
  }

  resume(): void {
    this.#feed.resume();
  }

  /**
   * Moves the consumer, and with it the whole group, by making it again. What is in flight is lost, here at once and with
   * the rest of the group when the server tells it; delivery counts start again at 1. n.b. a crash in the middle leaves a
   * group without its consumer.
   */
  async seek(position: JetStreamPosition): Promise<void> {
    this.#checkOpen("seek()");
    const work = this.#care.then(async () => {
      this.#checkOpen("seek()");
      const from = await this.#locate(position).catch((error: unknown) => {
        throw this.#api.unanswered("seek()", error);
      });
      this.#feed.hold();
      try {
        this.#feed.cut("its subscriber was moved by seek()");
        await persist(() => this.#consumer.moveTo(from), this.#carePlace());
        this.#feed.start();
      } catch (error) {
        this.#fail(`seek() left it without its consumer: ${textOf(error)}`, error);
        throw this.#api.unanswered("seek()", error);
      } finally {
        this.#feed.go();
      }
    });
    this.#care = work.catch(() => {});
    await work;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close("its subscriber was closed");
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #locate(position: JetStreamPosition): Promise<StartPosition> {
    if (position === "start") return "start";
    if (position === "end") return "new";
    if (position instanceof Date && Number.isFinite(position.getTime())) return { time: position };
    if (typeof position !== "number" || !Number.isSafeInteger(position) || position < 1) {
      const expected = 'a sequence from 1, a Date, "start" or "end"';
      throw new InvalidArgumentError({ argument: "seek(position)", expected, received: position });
    }
    const stream = await this.#consumer.streamInfo();
    const { first_seq = 0, last_seq = 0 } = stream?.state ?? {};
    const isNext = position === last_seq + 1;
    const isHeld = position >= first_seq && position <= last_seq;
    if (!isNext && !(isHeld && (await this.#consumer.hasMessage(position)))) {
      const available = isHeld ? "what was not deleted" : `${first_seq} to ${last_seq + 1}`;
      throw new PositionUnavailableError({ topic: this.topic, position: String(position), available });
    }
    return { sequence: position };
  }

  #checkOpen(during: string): void {
    this.#session.link.check(during);
    if (!this.#over.signal.aborted) return;
    const reason = `it is closed, so ${during} is not possible`;
    throw new SubscriptionFailedError({ topic: this.topic, reason });
  }

  /** Looks after the consumer; until then nothing more is asked of it. */
  #recover(reason: string, why: "trouble" | "deleted" | "restored"): void {
    if (this.#over.signal.aborted) return;
    this.#feed.hold();
    this.#tell("lost", reason);
    this.#care = this.#care.then(async () => {
      try {
        // What is refused now is refused again in a moment.
        if (why === "trouble") await sleep(this.#session.settings.clock, troubleMs, this.#over.signal);
        await this.#findAgain(why === "deleted");
      } catch (error) {
        this.#fail(`${this.#consumer} is out of reach (${reason}): ${textOf(error)}`, error);
      }
    });
  }

  async #findAgain(wasDeleted: boolean): Promise<void> {
    const { signal } = this.#over;
    if (signal.aborted) return;
    const finding = await lookFor(this.#consumer, this.#carePlace(), wasDeleted);
    this.#watch.compare();
    if (signal.aborted || finding === "unlinked") return;
    if (finding === "stream gone") throw new Error("its stream was deleted");
    if (finding === "gone") {
      if (!this.#consumer.isPrivate) throw new Error("it was deleted, and with it the place of its group");
      const sequence = this.#feed.restart("its consumer was deleted");
      await persist(() => this.#resumeAt(sequence), this.#carePlace());
    } else if (finding === "renewed") {
      this.#feed.restart("its consumer was deleted and made again");
    }
    this.#feed.found();
    if (this.#settings.sole && !(await this.#takeBack())) return;
    this.#tell("restored");
    this.#feed.go();
  }

  /** What a reader before this one left comes first. Does not reject. */
  async #begin(): Promise<void> {
    try {
      if (await this.#takeBack()) this.#feed.go();
    } catch (error) {
      this.#fail(`what ${this.#consumer} has delivered cannot be taken back: ${textOf(error)}`, error);
    }
  }

  /** False where it is not done: it will be, when the connection is back or after a moment. */
  async #takeBack(): Promise<boolean> {
    const { signal } = this.#over;
    const session = this.#session;
    const [consumer, feed, { timeoutMs }] = [this.#consumer, this.#feed, this.#api];
    feed.renew();
    try {
      const holds = (sequence: number): boolean => feed.holds(sequence);
      feed.expect(await takeBack({ session, consumer, timeoutMs, holds }));
      return !signal.aborted;
    } catch (error) {
      if (signal.aborted || !session.link.up) return false;
      if (error instanceof RequestFault && error.kind === "refused") throw error;
      this.#recover(textOf(error), "trouble");
      return false;
    }
  }

  async #resumeAt(sequence: number): Promise<void> {
    const { last_seq = 0 } = (await this.#consumer.streamInfo())?.state ?? {};
    // Its numbers have begun anew.
    if (last_seq + 1 < sequence) throw new Error("its stream was deleted and made again");
    await this.#consumer.moveTo({ sequence });
  }

  #onDeadline(): void {
    this.#capabilities = capabilitiesOf(this.#settings, this.#consumer);
    this.#feed.deadlineChanged();
  }

  #carePlace(): CarePlace {
    const { link, settings } = this.#session;
    return {
      link,
      clock: settings.clock,
      recoveryMs: this.#settings.recoveryMs,
      signal: this.#over.signal,
    };
  }

  #onEnd(ending: Ending): void {
    // The session closes those that were open when it was meant to end.
    if (!ending.intended) this.#fail(ending.reason, ending.cause);
  }

  #fail(reason: string, cause?: unknown): void {
    const error = new SubscriptionFailedError({ topic: this.topic, reason, cause });
    this.#feed.outlet.end({ error });
    // Does not reject.
    this.#closing ??= this.#close(reason, cause);
  }

  async #close(reason: string, cause?: unknown): Promise<void> {
    const { link, settings } = this.#session;
    link.delete(this.#bound);
    this.#session.closed(this);
    this.#over.abort();
    this.#watch.end();
    const told = this.#feed.close(reason, cause);
    this.#feed.outlet.end();
    if (!link.up) return;
    const goodbye = told.then(() => {
      this.#consumer.leave();
      return link.flush();
    });
    await within(settings.clock, settings.closeTimeoutMs, goodbye);
  }

  #tell(state: "lost" | "restored", reason?: string): void {
    const channel = diagnostics["tidelane:reconnect"];
    if (!channel.hasSubscribers) return;
    const broker = `${this.#session.link.broker}: ${this.#consumer}`;
    channel.publish({
      broker,
      state,
      attempt: 0,
      ...(reason === undefined ? {} : { error: new Error(reason) }),
    });
  }
}
