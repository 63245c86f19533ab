import { uniqueName } from "../../nats/publisher/requests.ts";
import type { JetStreamApi } from "../client.ts";
import { apiErrors, isApiError } from "../errors.ts";
import { readAckSubject } from "../message/ack.ts";
import type { JetStreamSubscribeSettings, StartPosition } from "../options.ts";
import {
  ackDeadlineOf,
  type ConsumerConfig,
  type ConsumerInfo,
  movedTo,
  policies,
} from "./consumer-config.ts";
import { findStream, type StreamInfo } from "./stream.ts";

export interface ConsumerProgress {
  /** The last delivery: its sequence in the stream, and its number among the deliveries. */
  readonly delivered: { readonly stream: number; readonly consumer: number };
  /** In the stream: everything up to it is settled. */
  readonly ackFloor: number;
  readonly unsettled: number;
}

/** The consumer on the server that a subscription reads from: found, made, looked after, and made again elsewhere. */
export class Consumer {
  readonly stream: string;
  readonly filter: string;
  readonly #api: JetStreamApi;
  readonly #settings: JetStreamSubscribeSettings;
  #info: ConsumerInfo;

  /** @internal */
  constructor(
    api: JetStreamApi,
    stream: string,
    filter: string,
    settings: JetStreamSubscribeSettings,
    info: ConsumerInfo,
  ) {
    this.stream = stream;
    this.filter = filter;
    this.#api = api;
    this.#settings = settings;
    this.#info = info;
  }

  /** What it delivers after it was found or created has a higher stream sequence than this. */
  get deliveredUpTo(): number {
    return this.#info.delivered.stream_seq;
  }

  /** Nobody else reads from it, and it goes with its subscription. */
  get isEphemeral(): boolean {
    return this.#settings.group === undefined;
  }

  get ackDeadlineMs(): number {
    return ackDeadlineOf(this.#info.config);
  }

  /** Whether it starts with messages that were there before it. */
  get backlog(): boolean {
    return this.#info.config.deliver_policy !== policies.new;
  }

  /** The most one request may ask for. */
  get maxBatch(): number {
    const { max_batch } = this.#info.config;
    return max_batch === undefined || max_batch < 1 ? Number.POSITIVE_INFINITY : max_batch;
  }

  get maxExpiresMs(): number {
    const { max_expires } = this.#info.config;
    return max_expires === undefined || max_expires < 1 ? Number.POSITIVE_INFINITY : max_expires / 1e6;
  }

  /** Where requests for messages go. */
  get nextSubject(): string {
    return this.#api.subject(`CONSUMER.MSG.NEXT.${this.stream}.${this.#info.name}`);
  }

  toString(): string {
    return describeConsumer(this.stream, this.#info.name);
  }

  /** How far it has delivered, what of it is settled without a gap, and how many of the rest are not. */
  async progress(): Promise<ConsumerProgress> {
    const info = await this.#refresh();
    const { delivered, ack_floor, num_ack_pending = 0 } = info;
    return {
      delivered: { stream: delivered.stream_seq, consumer: delivered.consumer_seq ?? 0 },
      ackFloor: ack_floor?.stream_seq ?? 0,
      unsettled: num_ack_pending,
    };
  }

  /** Where an answer for a message goes that was delivered to somebody else; sequences as in `progress()`. */
  ackSubject(sequence: number, delivery: number): string {
    return `$JS.ACK.${this.stream}.${this.#info.name}.1.${sequence}.${delivery}.0.0`;
  }

  /** Whether answers for its deliveries go there. */
  isAckSubject(subject: string): boolean {
    const delivery = readAckSubject(subject);
    return delivery?.stream === this.stream && delivery.consumer === this.#info.name;
  }

  /** Whether it is still there. Rejects where that cannot be found out. */
  async isThere(): Promise<"yes" | "no" | "no stream"> {
    try {
      await this.#refresh();
      return "yes";
    } catch (error) {
      if (isApiError(error, apiErrors.consumerNotFound)) return "no";
      if (isApiError(error, apiErrors.streamNotFound)) return "no stream";
      throw error;
    }
  }

  /** Asks for its configuration, which others may have changed. */
  async #refresh(): Promise<ConsumerInfo> {
    const info = await this.#api.call<ConsumerInfo>(`CONSUMER.INFO.${this.stream}.${this.#info.name}`);
    this.#info = { ...this.#info, config: info.config };
    return info;
  }

  /**
   * Makes the server drop the pull requests that nobody waits for: it does so when it is asked for the consumer's state.
   * A server before 2.10 may use such a request for a message that is nakked. The message is then gone until its ack
   * deadline, and the one before it is delivered twice. So call this before any nak.
   */
  pruneRequests(): void {
    this.#api.send(`CONSUMER.INFO.${this.stream}.${this.#info.name}`);
  }

  streamInfo(): Promise<StreamInfo | undefined> {
    return findStream(this.#api, this.stream);
  }

  async hasMessage(sequence: number): Promise<boolean> {
    try {
      await this.#api.call(`STREAM.MSG.GET.${this.stream}`, { seq: sequence });
      return true;
    } catch (error) {
      if (isApiError(error, apiErrors.messageNotFound)) return false;
      throw error;
    }
  }

  /**
   * Makes it again, with another start. One that is shared goes first, as there cannot be two of a name; one of our own
   * goes when the new one is there.
   */
  async recreateAt(from: StartPosition): Promise<void> {
    const previous = this.#info.name;
    const config = movedTo(from, this.#info.config);
    if (this.isEphemeral) {
      this.#info = await createConsumer(this.#api, this.stream, this.filter, {
        ...config,
        name: ephemeralName(),
      });
      this.#api.send(`CONSUMER.DELETE.${this.stream}.${previous}`);
      return;
    }
    for (let retries = opensMeanwhile; ; retries -= 1) {
      await this.#api.call(`CONSUMER.DELETE.${this.stream}.${previous}`).catch((error: unknown) => {
        if (!isApiError(error, apiErrors.consumerNotFound)) throw error;
      });
      try {
        this.#info = await createConsumer(this.#api, this.stream, this.filter, config);
        return;
      } catch (error) {
        if (retries === 0 || !isApiError(error, apiErrors.consumerExists)) throw error;
      }
    }
  }

  /** Sends its end, if it is our own to end. */
  deleteIfEphemeral(): void {
    if (this.isEphemeral) this.#api.send(`CONSUMER.DELETE.${this.stream}.${this.#info.name}`);
  }
}

/** So often a member that opens may create the consumer between its deletion and its creation by `recreateAt()`. */
const opensMeanwhile = 5;

/** As errors name it. */
export function describeConsumer(stream: string, name: string): string {
  return `the consumer "${name}" of the stream "${stream}"`;
}

/** Of a consumer that nobody else reads from. */
export function ephemeralName(): string {
  return `tidelane-${uniqueName()}`;
}

export function createConsumer(
  api: JetStreamApi,
  stream: string,
  filter: string,
  config: ConsumerConfig,
): Promise<ConsumerInfo> {
  // A server before 2.10 does not know "action". It updates a consumer that exists, if it can.
  const body = { stream_name: stream, config, action: "create" };
  const verb = `CONSUMER.CREATE.${stream}.${config.name}`;
  return api.call<ConsumerInfo>(filter === ">" ? verb : `${verb}.${filter}`, body);
}
