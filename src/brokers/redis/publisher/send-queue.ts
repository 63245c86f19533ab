import { Fifo } from "../../../structures/fifo.ts";
import { TimeoutError } from "../../../traits/errors.ts";
import { PendingCall } from "../../shared/pending-call.ts";
import { PendingCalls, type TimedCall } from "../../shared/pending-calls.ts";
import type { Argument, ConnectionListener, OpenConnection, Reply, ServerConnection } from "../client.ts";

/** A call of a publisher: it waits for the connection, then for its answer. */
export interface OutgoingCall {
  /** Names it in errors. */
  readonly what: string;
  readonly args: readonly Argument[];
  readonly signal: AbortSignal | undefined;
  answered(reply: Reply): void;
  /** What was sent and has no answer may have been carried out. */
  failed(error: unknown): void;
}

/** Calls in the order they were made, over all reconnects. What was sent once is never sent again. */
export class SendQueue implements ConnectionListener {
  readonly #connection: ServerConnection;
  readonly #calls: PendingCalls<QueuedCall, QueuedCall>;
  /** Not sent yet: there is no connection. */
  readonly #unsent = new Fifo<QueuedCall>();
  /** Sent, and without an answer. */
  #outstanding = 0;
  #onIdle: (() => void) | undefined;

  constructor(connection: ServerConnection) {
    this.#connection = connection;
    this.#calls = new PendingCalls(connection.settings.clock);
    connection.add(this);
  }

  send(call: OutgoingCall): void {
    const { clock, publishTimeoutMs } = this.#connection.settings;
    const due = clock.now() + publishTimeoutMs;
    const queued = new QueuedCall(call, due, publishTimeoutMs, (over) => this.#calls.delete(over));
    if (publishTimeoutMs !== Number.POSITIVE_INFINITY) this.#calls.add(queued, queued);
    const { usable } = this.#connection;
    if (usable === undefined || this.#unsent.size > 0) this.#unsent.push(queued);
    else this.#send(usable, queued);
  }

  connectionRestored(): void {
    const { usable } = this.#connection;
    if (usable === undefined) return;
    for (let call = this.#unsent.shift(); call !== undefined; call = this.#unsent.shift()) {
      if (!call.over) this.#send(usable, call);
    }
  }

  /** What was sent gets its answer; what was not is rejected. */
  async connectionEnded(): Promise<void> {
    for (let call = this.#unsent.shift(); call !== undefined; call = this.#unsent.shift()) {
      call.reject(this.#connection.closedError(call.what));
    }
    if (this.#outstanding === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  #send(to: OpenConnection, call: QueuedCall): void {
    this.#outstanding += 1;
    to.call(...call.args).then(
      (reply) => {
        call.resolve(reply);
        this.#answered();
      },
      (error: unknown) => {
        const isClosed = this.#connection.state === "closed" && to.over;
        call.reject(isClosed ? this.#connection.closedError(call.what) : error);
        this.#answered();
      },
    );
  }

  #answered(): void {
    this.#outstanding -= 1;
    if (this.#outstanding === 0) this.#onIdle?.();
  }
}

class QueuedCall extends PendingCall<Reply> implements TimedCall {
  readonly due: number;
  readonly args: readonly Argument[];
  readonly #timeoutMs: number;
  readonly #leave: (call: QueuedCall) => void;

  constructor(call: OutgoingCall, due: number, timeoutMs: number, leave: (call: QueuedCall) => void) {
    const answer = {
      resolve: (reply: Reply) => call.answered(reply),
      reject: (error: unknown) => call.failed(error),
    };
    super(call.what, call.signal, answer);
    this.due = due;
    this.args = call.args;
    this.#timeoutMs = timeoutMs;
    this.#leave = leave;
  }

  expire(): void {
    this.reject(new TimeoutError({ what: this.what, timeoutMs: this.#timeoutMs }));
  }

  protected override onOver(): void {
    this.#leave(this);
  }
}
