import type { Clock } from "../../../traits/clock.ts";
import { AbortedError, TimeoutError } from "../../../traits/errors.ts";
import { type Abortable, unwatchAbort, watchAbort } from "../../shared/abort-watch.ts";
import { Alarm } from "../../shared/alarm.ts";
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
  readonly #waiting = new Set<QueuedSend>();
  readonly #alarm: Alarm;

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
    this.#alarm = new Alarm(clock, () => this.#expire());
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
    const turn = new QueuedSend(sendable, due, () => {
      this.#waiting.delete(turn);
      if (this.#waiting.size === 0) this.#alarm.cancel();
    });
    this.#waiting.add(turn);
    this.#alarm.at(due);
    return () => turn.drop();
  }

  /** There may be room again. */
  proceed(): void {
    for (const turn of this.#waiting) {
      if (!this.#server.up || !this.#hasRoom()) return;
      turn.take();
    }
  }

  connectionRestored(): void {
    this.proceed();
  }

  connectionEnded(): void {
    for (const turn of this.#waiting) turn.reject(this.#server.closedError(turn.sendable.what));
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const turn of this.#waiting) {
      if (turn.due > now) this.#alarm.at(turn.due);
      else turn.reject(new TimeoutError({ what: turn.sendable.what, timeoutMs: this.#timeoutMs }));
    }
  }
}

class QueuedSend implements Abortable {
  readonly sendable: Sendable;
  readonly due: number;
  readonly #onOver: () => void;

  constructor(sendable: Sendable, due: number, onOver: () => void) {
    this.sendable = sendable;
    this.due = due;
    this.#onOver = onOver;
    if (sendable.signal !== undefined) watchAbort(sendable.signal, this);
  }

  take(): void {
    this.#over();
    this.sendable.send();
  }

  drop(): void {
    this.#over();
  }

  reject(error: unknown): void {
    this.#over();
    this.sendable.reject(error);
  }

  onAbort(): void {
    const { what, signal } = this.sendable;
    this.reject(new AbortedError({ what, cause: signal?.reason }));
  }

  #over(): void {
    if (this.sendable.signal !== undefined) unwatchAbort(this.sendable.signal, this);
    this.#onOver();
  }
}
