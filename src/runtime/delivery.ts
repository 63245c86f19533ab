import type { Linked, LinkedList } from "../structures/linked-list.ts";
import { checkFunction } from "../traits/arguments.ts";
import type { Timer } from "../traits/clock.ts";
import { retryCountIn } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import type { Lane, LaneEntry } from "./lanes.ts";

/** How a delivery left a pipeline. */
export type Settlement = "ack" | "drop" | "dead-letter" | "redeliver" | "by-handler" | "revoked";

/** What a handler and a middleware get beside the value. */
export interface HandlerContext<M extends Message = Message> {
  readonly message: M;
  readonly topic: string;
  /** The key of its lane; `undefined` if it has none. */
  readonly key: string | undefined;
  /**
   * 1 on the first run. It counts redeliveries that the broker counts, retries in place, and attempts at this topic
   * before the message was published again.
   */
  readonly attempt: number;
  /** The worker that runs it, from 0. */
  readonly worker: number;
  /**
   * Aborts when the delivery is revoked, when `timeoutMs` is over, when the run is stopped, and when the deadline
   * of a drain has passed.
   */
  readonly signal: AbortSignal;
  /**
   * Runs `work` after the delivery has left. It delays no delivery, and a drain waits for it. If it fails, that is
   * reported, and it is not retried. At most 16 pieces of a run work at once. While 1,024 are unfinished, the run
   * pulls nothing, so slow work slows the stream instead of filling the memory. If this run of the handler is
   * retried in place, its work is discarded.
   */
  afterSettle(work: (settlement: Settlement) => void | Promise<void>): void;
}

/** One delivery in flight, from the pull until it has left. It is the handler's context as well: one object a message. */
export class Delivery<M extends Message = Message, Value = unknown>
  implements HandlerContext<M>, LaneEntry, Linked<Delivery<M, Value>>
{
  readonly sequence: number;
  readonly message: M;
  key: string | undefined = undefined;
  behind: this | undefined = undefined;
  lane: Lane<this> | undefined = undefined;

  /** Set when decoded; only then read by a handler. */
  value: Value | undefined = undefined;
  decoded = false;
  /** "arriving" has no lane yet; "abandoned" was given up by a stop and goes back when the subscriber closes. */
  phase: "arriving" | "waiting" | "running" | "settling" | "abandoned" = "arriving";
  /** Runs in this process after the first. */
  retries = 0;
  /** Settles tried again after they failed and left the message unsettled. No attempts: the handler is not run. */
  settleRetries = 0;
  worker = -1;
  /** It failed before: its handler, or what its settle came to. */
  trouble: "retrying" | "blocked" | undefined = undefined;
  /** Armed only while a retry waits. */
  timer: Timer | undefined = undefined;
  continuations: ((settlement: Settlement) => void | Promise<void>)[] | undefined = undefined;

  /** Links of the in-flight list, owned by it. */
  previous: Delivery<M, Value> | undefined = undefined;
  next: Delivery<M, Value> | undefined = undefined;
  list: LinkedList<Delivery<M, Value>> | undefined = undefined;

  #firstAttempt = 0;
  #controller: AbortController | undefined;

  constructor(sequence: number, message: M) {
    this.sequence = sequence;
    this.message = message;
  }

  get topic(): string {
    return this.message.topic;
  }

  get attempt(): number {
    this.#firstAttempt ||= firstAttempt(this.message);
    return this.#firstAttempt + this.retries;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      const revoked = this.message.signal;
      if (revoked.aborted) controller.abort(revoked.reason);
      else revoked.addEventListener("abort", this, { once: true });
      this.#controller = controller;
    }
    return this.#controller.signal;
  }

  /** A getter, so that a handler may take the function out of its context, and one that does not pays nothing. */
  get afterSettle(): HandlerContext<M>["afterSettle"] {
    return (work) => {
      checkFunction("afterSettle(work)", work);
      this.continuations ??= [];
      this.continuations.push(work);
    };
  }

  /** The delivery was revoked: it listens itself, so that a signal that is read costs no function. */
  handleEvent(): void {
    this.#controller?.abort(this.message.signal.reason);
  }

  /** For another run, once the handler has returned: the signal of a run whose time was up has aborted. */
  renew(): void {
    if (this.#controller?.signal.aborted) this.#controller = undefined;
  }

  /**
   * The same delivery for what comes next, while its handler goes on with this one. What that handler asked for so far
   * belongs to the delivery; what it asks for from now on is nobody's.
   */
  succeed(): Delivery<M, Value> {
    const successor = new Delivery<M, Value>(this.sequence, this.message);
    successor.key = this.key;
    successor.value = this.value;
    successor.decoded = this.decoded;
    successor.phase = this.phase;
    successor.retries = this.retries;
    successor.settleRetries = this.settleRetries;
    successor.worker = this.worker;
    successor.trouble = this.trouble;
    successor.continuations = this.continuations;
    this.phase = "abandoned";
    this.continuations = undefined;
    return successor;
  }

  /** Tells a running handler to give up. */
  abort(reason: unknown): void {
    // Reading `signal` afterwards must show the abort too, so the controller is made when there is none.
    if (this.#controller === undefined) void this.signal;
    this.message.signal.removeEventListener("abort", this);
    this.#controller?.abort(reason);
  }
}

/** What a copy carries in its headers, and the broker's count of this copy. */
function firstAttempt(message: Message): number {
  return retryCountIn(message.headers, message.topic) + (message.deliveryCount ?? 1);
}
