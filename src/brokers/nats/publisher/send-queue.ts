import type { Clock } from "../../../traits/clock.ts";
import { TimeoutError } from "../../../traits/errors.ts";
import { PendingCall } from "../../shared/pending-call.ts";
import { PendingCalls, type TimedCall } from "../../shared/pending-calls.ts";
import type { ConnectionListener, ServerConnection } from "../client.ts";

/** Something to be sent once, in its turn. */
export interface Sendable {
  /** Names the call in errors. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
  /** It has a timeout of its own, so the timeout of the queue does not apply. */
  readonly isTimed?: true;
  /** Sends before it returns; must not throw. */
  send(): void;
  /** Nothing was sent. */
  reject(error: unknown): void;
}

/**
 * Sends in the order of the calls: at once while the connection is up and there is room, else as soon as both are so again.
 * The clients drop what they are given while they are disconnected, so it waits here.
 */
export class SendQueue implements ConnectionListener {
  readonly #server: ServerConnection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #hasRoom: () => boolean;
  /** In order. While one waits, none passes it. */
  readonly #waiting: PendingCalls<Sendable, QueuedSend>;

  constructor(
    server: ServerConnection,
    clock: Clock,
    timeoutMs: number,
    hasRoom: () => boolean = () => true,
  ) {
    this.#server = server;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#hasRoom = hasRoom;
    this.#waiting = new PendingCalls(clock);
    server.add(this);
  }

  /** Whether what is submitted now is sent at once. */
  get free(): boolean {
    return this.#waiting.size === 0 && this.#server.up && this.#hasRoom();
  }

  /** How many wait for their turn. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Returns a function that takes the call out of the queue, without rejecting it. */
  submit(sendable: Sendable): () => void {
    if (this.free) {
      sendable.send();
      return () => {};
    }
    const due = sendable.isTimed === true ? Number.POSITIVE_INFINITY : this.#clock.now() + this.#timeoutMs;
    const queued = new QueuedSend(sendable, due, this.#timeoutMs, () => this.#waiting.delete(sendable));
    this.#waiting.add(sendable, queued);
    return () => void queued.drop();
  }

  /** There may be room again. */
  proceed(): void {
    for (const queued of this.#waiting) {
      if (!this.#server.up || !this.#hasRoom()) return;
      queued.resolve();
    }
  }

  connectionRestored(): void {
    this.proceed();
  }

  connectionEnded(): void {
    for (const queued of this.#waiting) queued.reject(this.#server.closedError(queued.what));
  }
}

class QueuedSend extends PendingCall<void> implements TimedCall {
  readonly due: number;
  readonly #timeoutMs: number;
  readonly #onOver: () => void;

  constructor(sendable: Sendable, due: number, timeoutMs: number, onOver: () => void) {
    super(sendable.what, sendable.signal, {
      resolve: () => sendable.send(),
      reject: (error) => sendable.reject(error),
    });
    this.due = due;
    this.#timeoutMs = timeoutMs;
    this.#onOver = onOver;
  }

  expire(): void {
    this.reject(new TimeoutError({ what: this.what, timeoutMs: this.#timeoutMs }));
  }

  protected override onOver(): void {
    this.#onOver();
  }
}
