import { checkCount, checkName } from "../../../traits/arguments.ts";
import type { PublisherCapabilities } from "../../../traits/capabilities.ts";
import { sleep } from "../../../traits/clock.ts";
import { type Deferred, deferred } from "../../../traits/deferred.ts";
import { PublishFailedError, throwIfAborted } from "../../../traits/errors.ts";
import { checkOptionNames } from "../../../traits/option-names.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import type { OutgoingMessage, Publisher, PublishOptions } from "../../../traits/publisher.ts";
import type { CoreConnection } from "../../nats/connection/core-connection.ts";
import { RequestFault, textOf } from "../../nats/errors.ts";
import { toClient } from "../../nats/message/headers.ts";
import {
  checkKeyHeader,
  checkMessage,
  type KeyHeaderOption,
  publishError,
} from "../../nats/publisher/outgoing.ts";
import { type OutgoingRequest, uniqueName } from "../../nats/publisher/requests.ts";
import { SendQueue } from "../../nats/publisher/send-queue.ts";
import { type JetStreamApi, readAnswer } from "../client.ts";
import { JetStreamApiError } from "../errors.ts";
import {
  type JetStreamPublisherOptions,
  type JetStreamPublishOptions,
  publisherOptionNames,
  publishOptionNames,
} from "../options.ts";
import { TopicCheck } from "./topic-check.ts";

/** Where a stream stored a message. */
export interface PubAck {
  readonly stream: string;
  /** Its sequence in the stream, from 1. */
  readonly sequence: number;
  /** `true`: the stream already had a message with this id, at this place. */
  readonly duplicate: boolean;
}

interface WireAck {
  readonly stream: string;
  readonly seq: number;
  readonly duplicate?: boolean;
}

/** Publishes to streams. `publish` resolves when a stream has stored the message. */
export class JetStreamPublisher implements Publisher {
  readonly #api: JetStreamApi;
  readonly #connection: CoreConnection;
  readonly #keyOption: KeyHeaderOption;
  readonly #resend: boolean;
  readonly #queue: SendQueue;
  readonly #topics: TopicCheck;
  /** Sent and not confirmed. */
  #outstanding = 0;

  /** @internal */
  constructor(api: JetStreamApi, options: JetStreamPublisherOptions) {
    checkOptionNames("connection.publisher(options)", options, publisherOptionNames);
    const { connection } = api;
    this.#api = api;
    this.#connection = connection;
    this.#topics = new TopicCheck(api);
    this.#keyOption = checkKeyHeader(options);
    this.#resend = options.resend === true;
    const most = checkCount("options.maxOutstanding", options.maxOutstanding ?? 4_096);
    const { clock, publishTimeoutMs } = connection.settings;
    this.#queue = new SendQueue(connection.server, clock, publishTimeoutMs, () => this.#outstanding < most);
  }

  get capabilities(): PublisherCapabilities {
    return {
      confirmation: "broker",
      headerValues: "text",
      duplicateHeaders: true,
      maxPayloadBytes: this.#connection.server.maxPayloadBytes,
      transactions: false,
      requestReply: false,
    };
  }

  async publish(message: OutgoingMessage, options?: JetStreamPublishOptions): Promise<void> {
    await this.publishAcked(message, options);
  }

  /**
   * Does what `publish` does, and resolves with the stream's answer. Rejects with `PublishFailedError` if no stream
   * has the subject, if the stream refuses (`cause` is the `JetStreamApiError`), or if the connection was lost
   * before the confirmation.
   */
  publishAcked(message: OutgoingMessage, options: JetStreamPublishOptions = {}): Promise<PubAck> {
    const { server } = this.#connection;
    const what = `publish() to ${JSON.stringify(message.topic)}`;
    const result = deferred<PubAck>();
    try {
      server.check("publish()");
      throwIfAborted(options.signal, "publish()");
      checkOptionNames("publisher.publish(message, options)", options, publishOptionNames);
      const checked = checkMessage(message, this.capabilities, this.#keyOption);
      const reserved = this.#reservedHeaders(options);
      const { signal } = options;
      const send = (): void => void this.#send(checked, reserved, { what, signal }, result);
      this.#queue.submit({ what, signal, send, reject: result.reject });
    } catch (error) {
      result.reject(error);
    }
    return result.promise;
  }

  /**
   * Asks JetStream whether a stream has the subject. If JetStream names none, it sends a request to the subject
   * that no stream may store, because JetStream does not list every stream.
   */
  async checkTopic(topic: string, { signal }: PublishOptions = {}): Promise<void> {
    const what = "checkTopic()";
    this.#connection.server.check(what);
    throwIfAborted(signal, what);
    checkMessage({ topic, payload: "" }, this.capabilities, this.#keyOption);
    const fault = await this.#topics.fault(topic, signal).catch((error: unknown) => {
      throw this.#api.unanswered(what, error);
    });
    if (fault !== undefined) throw fault;
  }

  #reservedHeaders({ messageId, expect = {} }: JetStreamPublishOptions): [name: string, value: string][] {
    const id = messageId ?? (this.#resend ? uniqueName() : undefined);
    if (messageId !== undefined) checkName("options.messageId", messageId);
    if (expect.stream !== undefined) checkName("options.expect.stream", expect.stream);
    if (expect.lastMessageId !== undefined) checkName("options.expect.lastMessageId", expect.lastMessageId);
    const { lastSequence, lastSubjectSequence } = expect;
    if (lastSequence !== undefined) checkCount("options.expect.lastSequence", lastSequence, 0);
    if (lastSubjectSequence !== undefined) {
      checkCount("options.expect.lastSubjectSequence", lastSubjectSequence, 0);
    }
    const reserved: [string, unknown][] = [
      [idHeader, id],
      ["Nats-Expected-Stream", expect.stream],
      ["Nats-Expected-Last-Sequence", lastSequence],
      ["Nats-Expected-Last-Subject-Sequence", lastSubjectSequence],
      ["Nats-Expected-Last-Msg-Id", expect.lastMessageId],
    ];
    return reserved.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  }

  /** Does not reject; it settles `result`. */
  async #send(
    { topic, payload, headers }: CheckedMessage,
    reserved: readonly (readonly [name: string, value: string])[],
    call: { readonly what: string; readonly signal: AbortSignal | undefined },
    result: Deferred<PubAck>,
  ): Promise<void> {
    this.#outstanding += 1;
    try {
      const {
        stream,
        seq,
        duplicate = false,
      } = await this.#store({
        ...call,
        subject: topic,
        payload,
        headers: toClient(headers, reserved, this.#connection.makeHeaders),
        timeoutMs: this.#connection.settings.publishTimeoutMs,
        repeatable: reserved.some(([name]) => name === idHeader),
      });
      result.resolve({ stream, sequence: seq, duplicate });
    } catch (error) {
      const isAbsent = error instanceof RequestFault && error.kind === "no-responders";
      result.reject(isAbsent ? await this.#topics.absence(topic, call.signal, error) : failure(topic, error));
    } finally {
      this.#outstanding -= 1;
      this.#queue.proceed();
    }
  }

  /** With `resend` it tries again: a server that is stopped ends its streams before its connections, so for a moment nobody listens. */
  async #store(request: OutgoingRequest): Promise<WireAck> {
    const { requests, settings } = this.#connection;
    const due = settings.clock.now() + request.timeoutMs;
    for (;;) {
      try {
        const timeoutMs = due - settings.clock.now();
        const answer = await requests.send({ ...request, timeoutMs });
        return readAnswer<WireAck>(answer.data);
      } catch (error) {
        const isAbsent = error instanceof RequestFault && error.kind === "no-responders";
        if (!isAbsent || !this.#resend || settings.clock.now() + absentMs >= due) throw error;
      }
      await this.#wait(request.signal);
    }
  }

  /** Until it may be worth to try again; less where there is an end to all. Does not reject. */
  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const { server, settings } = this.#connection;
    const over = new AbortController();
    const listener = { connectionEnded: () => over.abort() };
    server.add(listener);
    const either = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]);
    await sleep(settings.clock, absentMs, either).catch(() => {});
    server.delete(listener);
  }
}

/** How long a stream that is not there is left alone. */
const absentMs = 100;

const idHeader = "Nats-Msg-Id";

function failure(topic: string, error: unknown): unknown {
  if (error instanceof SyntaxError) {
    const reason = "the answer on the subject came from no stream: it is not a confirmation";
    return new PublishFailedError({ topic, reason, retryable: false, cause: error });
  }
  if (!(error instanceof JetStreamApiError)) return publishError(topic, error);
  // A status of 503 and above is passing: no leader, no resources.
  const retryable = error.status >= 503;
  return new PublishFailedError({
    topic,
    reason: `the stream refused it: ${textOf(error)}`,
    retryable,
    cause: error,
  });
}
