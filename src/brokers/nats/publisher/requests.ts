import { randomBytes } from "node:crypto";
import type { Clock } from "../../../traits/clock.ts";
import { deferred } from "../../../traits/deferred.ts";
import { TimeoutError, throwIfAborted } from "../../../traits/errors.ts";
import { type CallAnswer, PendingCall } from "../../shared/pending-call.ts";
import { PendingCalls, type TimedCall } from "../../shared/pending-calls.ts";
import type {
  ClientHeaders,
  ClientMessage,
  ClientSubscription,
  ConnectionListener,
  ServerConnection,
} from "../client.ts";
import { RequestFault } from "../errors.ts";
import type { SendQueue } from "./send-queue.ts";

export interface OutgoingRequest {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers?: ClientHeaders | undefined;
  /** Names the call in errors. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** It may be answered twice without harm, so it is sent again when a lost connection is back. */
  readonly repeatable?: boolean;
}

/** A request that its caller sends, as often as it has to. The first answer counts, whichever it is to. */
export interface RepeatedRequest {
  readonly answer: Promise<ClientMessage>;
  /** Does not throw. Not sent while there is no connection, or when it is over. */
  send(subject: string): void;
  reject(error: unknown): void;
}

/** A name nobody else has. */
export function uniqueName(): string {
  return randomBytes(12).toString("hex");
}

/**
 * Requests and their answers, over one subscription. A late answer, or a second one, is dropped.
 *
 * A request rejects with `TimeoutError`, `AbortedError`, `ConnectionClosedError` or `RequestFault`.
 */
export class Requests implements ConnectionListener {
  readonly #server: ServerConnection;
  readonly #clock: Clock;
  readonly #inbox: string;
  /** By reply subject. */
  readonly #waiting: PendingCalls<string, PendingRequest>;
  #subscription: ClientSubscription | undefined = undefined;
  #last = 0;

  constructor(server: ServerConnection, clock: Clock, inboxPrefix: string) {
    this.#server = server;
    this.#clock = clock;
    this.#inbox = `${inboxPrefix}.${uniqueName()}`;
    this.#waiting = new PendingCalls(clock);
    server.add(this);
  }

  /** How many wait for their answer. */
  get size(): number {
    return this.#waiting.size;
  }

  /** `queue`: what waits in it is sent first. */
  send(request: OutgoingRequest, queue?: SendQueue): Promise<ClientMessage> {
    return new Promise((resolve, reject) => {
      const pending = this.#add(request, { resolve, reject });
      if (queue === undefined || queue.free) this.#submit(pending);
      else {
        const { what } = request;
        const reject = (error: unknown): void => pending.reject(error);
        pending.leaveQueue = queue.submit({
          what,
          isTimed: true,
          send: () => this.#submit(pending),
          reject,
        });
      }
    });
  }

  /** Its time begins now, though it is not sent. */
  prepare(request: OutgoingRequest): RepeatedRequest {
    const { promise, resolve, reject } = deferred<ClientMessage>();
    const pending = this.#add(request, { resolve, reject });
    return {
      answer: promise,
      send: (subject) => {
        pending.subject = subject;
        if (this.#server.up) this.#publish(pending);
      },
      reject: (error) => pending.reject(error),
    };
  }

  connectionEnded(): void {
    for (const pending of [...this.#waiting]) {
      pending.reject(this.#server.closedError(pending.request.what));
    }
    if (this.#server.up) this.#subscription?.unsubscribe();
  }

  connectionLost(): void {
    const fault = new RequestFault("lost", "the connection was lost before the answer came");
    for (const pending of [...this.#waiting]) {
      if (pending.submitted && pending.request.repeatable !== true) pending.reject(fault);
    }
  }

  connectionRestored(): void {
    for (const pending of [...this.#waiting]) {
      if (pending.submitted) this.#publish(pending);
    }
  }

  publishRefused(subject: string, fault: RequestFault): boolean {
    const refused = [...this.#waiting].filter((pending) => pending.subject === subject);
    for (const pending of refused) pending.reject(fault);
    return refused.length > 0;
  }

  #add(request: OutgoingRequest, answer: CallAnswer<ClientMessage>): PendingRequest {
    this.#server.check(request.what);
    throwIfAborted(request.signal, request.what);
    this.#subscribe();
    this.#last += 1;
    const reply = `${this.#inbox}.${this.#last}`;
    const due = this.#clock.now() + request.timeoutMs;
    const pending = new PendingRequest(request, reply, due, answer, () => this.#waiting.delete(reply));
    this.#waiting.add(reply, pending);
    return pending;
  }

  #submit(pending: PendingRequest): void {
    pending.submitted = true;
    this.#publish(pending);
  }

  /** Does not throw. What is over is not sent. */
  #publish(pending: PendingRequest): void {
    const { request, reply, subject } = pending;
    if (this.#waiting.get(reply) !== pending) return;
    const { payload, headers } = request;
    try {
      this.#server.publish(subject, payload, headers === undefined ? { reply } : { reply, headers });
    } catch (error) {
      pending.reject(error);
    }
  }

  #subscribe(): void {
    this.#subscription ??= this.#server.subscribe(
      `${this.#inbox}.*`,
      undefined,
      (message) => this.#waiting.get(message.subject)?.answer(message),
      ({ kind, message, cause }) => {
        // Without a subscription no request can be answered; the next one tries again.
        this.#subscription = undefined;
        const hint = ", where answers come; see options.inboxPrefix";
        const fault = new RequestFault(kind, `${message}${hint}`, cause);
        for (const pending of [...this.#waiting]) pending.reject(fault);
      },
    );
  }
}

class PendingRequest extends PendingCall<ClientMessage> implements TimedCall {
  readonly request: OutgoingRequest;
  readonly reply: string;
  readonly due: number;
  /** Where it is sent. */
  subject: string;
  /** By us, at the latest when the connection is up; the others are sent by whoever prepared them. */
  submitted = false;
  /** Takes the request out of the send queue, which would otherwise keep its message until the connection is back. */
  leaveQueue: (() => void) | undefined = undefined;
  readonly #onOver: () => void;

  constructor(
    request: OutgoingRequest,
    reply: string,
    due: number,
    answer: CallAnswer<ClientMessage>,
    onOver: () => void,
  ) {
    super(request.what, request.signal, answer);
    this.request = request;
    this.subject = request.subject;
    this.reply = reply;
    this.due = due;
    this.#onOver = onOver;
  }

  answer(message: ClientMessage): void {
    if (message.data.length === 0 && statusOf(message)?.code === 503) {
      // The server names no subject: it may be one that a responder passed the request on to.
      this.reject(
        new RequestFault(
          "no-responders",
          `nobody listens to "${this.subject}", or to where it was passed on`,
        ),
      );
    } else this.resolve(message);
  }

  expire(): void {
    const { what, timeoutMs } = this.request;
    this.reject(new TimeoutError({ what, timeoutMs }));
  }

  protected override onOver(): void {
    this.leaveQueue?.();
    this.#onOver();
  }
}

/** The headers of a message by the server itself. Those that cannot be read say nothing. */
export function statusOf(message: ClientMessage): ClientHeaders | undefined {
  try {
    return message.headers;
  } catch {
    return undefined;
  }
}
