import type { Clock } from "../traits/clock.ts";
import { DecodeError, isTidelaneError, type KeyError, MissingDeadLetterError } from "../traits/errors.ts";
import { type Message, settledAtOnce } from "../traits/message.ts";
import { Delivery, type Settlement } from "./delivery.ts";
import { backoffDelay, type CheckedPolicy } from "./failure-policy.ts";
import { InFlight } from "./in-flight.ts";
import { type KeySelector, keyOf } from "./key.ts";
import { Lanes } from "./lanes.ts";
import type { Chain } from "./middleware.ts";
import type { FailureOutcome, MiddlewareOutcome } from "./outcome.ts";
import type { Reporter } from "./report.ts";
import { decide, type SettlingDecision, setAside, settle } from "./settle.ts";
import { newCounters, type RunStats } from "./stats.ts";
import { isThenable } from "./thenable.ts";
import { messageOf } from "./thrown.ts";
import { Worker } from "./worker.ts";

/** What the dispatcher is built from; checked before. */
export interface DispatchConfig<M extends Message, Value> {
  readonly workers: number;
  readonly maxInFlight: number;
  readonly selector: KeySelector<Value> | undefined;
  readonly decode: ((message: M) => Value | Promise<Value>) | undefined;
  /** The handler inside its middleware. */
  readonly chain: Chain<M, Value>;
  readonly policy: CheckedPolicy;
  readonly clock: Clock;
  readonly random: () => number;
  readonly reporter: Reporter<M>;
  /** Starts the continuations of a delivery that left. */
  readonly continued: (delivery: Delivery<M, Value>, settlement: Settlement) => void;
  /** Room, a runnable delivery or an idle worker appeared while nobody was pumping. */
  readonly changed: () => void;
  /** No run can go on: what is in flight stays unsettled. */
  readonly fatal: (error: unknown) => void;
}

/**
 * Runs deliveries: lane, worker, handler, decision, settle. Every start goes through `start`, every end of a run
 * through `#freeWorker`, every departure through `#leave`, so the counts change in these places only.
 *
 * Invariants between calls: `running <= workers`; at most one delivery of a key is running, settling or holding;
 * `running = workers` or no lane entry is runnable, unless the dispatcher was halted.
 */
export class Dispatcher<M extends Message, Value> {
  readonly inFlight: InFlight<M, Value> = new InFlight<M, Value>();
  readonly #config: DispatchConfig<M, Value>;
  readonly #lanes = new Lanes<Delivery<M, Value>>();
  readonly #counters = newCounters();
  /** Worker numbers not in use; its length is `workers - running`. */
  readonly #idle: number[];
  /** All workers, by number. */
  readonly #workers: readonly Worker<Delivery<M, Value>>[];
  /** A part of what may wait in lanes, so that the lanes are far from empty when more is pulled. */
  readonly #worthPulling: number;
  #sequence = 0;
  /** Once halted nothing starts any more, and a failed run is left unsettled instead of retried. */
  #halted = false;

  constructor(config: DispatchConfig<M, Value>) {
    this.#config = config;
    this.#worthPulling = Math.max(1, Math.min(64, (config.maxInFlight - config.workers) >> 2));
    const ended = (delivery: Delivery<M, Value>, result: MiddlewareOutcome): void => {
      this.#ran(delivery, result);
      config.changed();
    };
    this.#workers = Array.from({ length: config.workers }, () => new Worker(config.chain.read, ended));
    this.#idle = Array.from(this.#workers.keys()).reverse();
  }

  /**
   * How many deliveries to pull now. While every worker is at work none of them could start, so they come some at a time
   * and not one for each that leaves; a worker that is idle is reason enough for one.
   */
  get room(): number {
    const room = this.#config.maxInFlight - this.inFlight.size;
    return this.#idle.length === 0 && room < this.#worthPulling ? 0 : room;
  }

  /** Handlers that have not returned, and settles that have not been answered. */
  get active(): number {
    return this.#counters.running + this.#counters.settling;
  }

  get stats(): Omit<RunStats, "continuations"> {
    const { running, settling } = this.#counters;
    const inFlight = this.inFlight.size;
    const { peak: peakInFlight } = this.inFlight;
    const waiting = inFlight - running - settling;
    return { ...this.#counters, inFlight, waiting, peakInFlight, lanes: this.#lanes.size };
  }

  /** Takes one delivery in. The promise, where there is one, is the wait for a value the key is computed from. */
  admit(message: M): Promise<void> | undefined {
    this.#counters.pulled += 1;
    const delivery = new Delivery<M, Value>(this.#sequence++, message);
    this.inFlight.add(delivery);
    this.#config.reporter.delivered(message);
    const { selector, decode } = this.#config;
    if (decode === undefined) {
      // Without a decoder the value is the message itself; the pipeline types it so.
      delivery.value = message as unknown as Value;
      delivery.decoded = true;
    } else if (selector?.readsValue) {
      const decoding = this.#decode(delivery, decode);
      if (decoding !== undefined) return decoding.then(() => this.#enterLane(delivery));
    }
    this.#enterLane(delivery);
    return undefined;
  }

  /** Starts what may run. Returns when every worker is busy or nothing is runnable. */
  startRunnable(): void {
    while (this.#idle.length > 0 && !this.#halted) {
      const delivery = this.#lanes.take();
      if (delivery === undefined) return;
      if (delivery.message.lost) this.#leaveLost(delivery, delivery.message.lost);
      else this.#start(delivery);
    }
  }

  /** Starts nothing any more; tells running handlers to give up. What waits stays unsettled. */
  halt(reason: unknown): void {
    this.#halted = true;
    for (const delivery of this.inFlight) {
      delivery.timer?.cancel();
      delivery.timer = undefined;
      if (delivery.phase === "running") delivery.abort(reason);
    }
  }

  // ---- lane and worker

  #enterLane(delivery: Delivery<M, Value>): void {
    if (delivery.phase !== "arriving" || this.#halted) return;
    const { selector } = this.#config;
    if (selector) {
      try {
        // A selector that does not read the value is called before there is one.
        delivery.key = keyOf(selector, delivery.value as Value, delivery.message);
      } catch (error) {
        this.#unrunnable(delivery, error as KeyError);
        return;
      }
    }
    delivery.phase = "waiting";
    this.#lanes.add(delivery);
  }

  #start(delivery: Delivery<M, Value>): void {
    delivery.phase = "running";
    delivery.worker = this.#idle.pop() as number;
    this.#counters.running += 1;
    const { decode } = this.#config;
    const decoding = decode && !delivery.decoded ? this.#decode(delivery, decode) : undefined;
    if (decoding !== undefined) void decoding.then(() => this.#runLate(delivery));
    else this.#run(delivery);
  }

  #freeWorker(delivery: Delivery<M, Value>): void {
    if (delivery.phase !== "running") return;
    this.#idle.push(delivery.worker);
    this.#counters.running -= 1;
  }

  // ---- decode and handler

  #decode(
    delivery: Delivery<M, Value>,
    decode: (message: M) => Value | Promise<Value>,
  ): Promise<void> | undefined {
    try {
      const value = decode(delivery.message);
      if (isThenable(value)) return this.#decodeLate(delivery, value);
      delivery.value = value;
      delivery.decoded = true;
    } catch (error) {
      this.#unrunnable(delivery, toDecodeError(delivery.message, error));
    }
    return undefined;
  }

  async #decodeLate(delivery: Delivery<M, Value>, value: PromiseLike<Value>): Promise<void> {
    try {
      delivery.value = await value;
      delivery.decoded = true;
    } catch (error) {
      this.#unrunnable(delivery, toDecodeError(delivery.message, error));
    }
  }

  /** After a wait for the value, in which the run may have been halted, or the delivery lost or set aside. */
  #runLate(delivery: Delivery<M, Value>): void {
    const { lost } = delivery.message;
    if (delivery.phase === "running" && (lost || this.#halted)) {
      this.#freeWorker(delivery);
      delivery.phase = "abandoned";
      if (lost) this.#leaveLost(delivery, lost);
    }
    this.#run(delivery);
    this.#config.changed();
  }

  #run(delivery: Delivery<M, Value>): void {
    if (delivery.phase !== "running") return;
    let result: MiddlewareOutcome;
    try {
      const { call, read } = this.#config.chain;
      // A delivery is its handler's context; with a value in it, it is a middleware's too.
      const returned = call(delivery.value as Value, delivery as Delivery<M, Value> & { value: Value });
      if (isThenable(returned)) {
        this.#workers[delivery.worker]?.await(delivery, returned);
        return;
      }
      result = read(returned);
    } catch (error) {
      result = { kind: "failure", error };
    }
    this.#ran(delivery, result);
  }

  // ---- decision and settle

  #ran(delivery: Delivery<M, Value>, given: MiddlewareOutcome): void {
    const { policy, reporter, random } = this.#config;
    this.#freeWorker(delivery);
    let result = given;
    if (
      result.kind === "dead-letter" &&
      typeof policy.deadLetter !== "object" &&
      policy.deadLetter !== "broker"
    ) {
      result = { kind: "failure", error: new MissingDeadLetterError({ topic: delivery.topic }) };
    }
    // A handler that gave up because the run was halted did what it was told.
    if (result.kind === "failure" && !(this.#halted && isReason(result.error, delivery.signal.reason))) {
      this.#counters.failures += 1;
      reporter.failed(result.error, delivery.message);
    }
    if (delivery.message.settled) this.#leave(delivery, "by-handler");
    else if (delivery.message.lost) this.#leaveLost(delivery, delivery.message.lost);
    else if (this.#halted && (result.kind === "failure" || result.kind === "retry"))
      delivery.phase = "abandoned";
    else {
      const decision = result.kind === "ack" ? result : decide(result, delivery, policy, random);
      if (decision.kind === "hold") this.#hold(delivery, decision.delayMs, result);
      else this.#settle(delivery, decision);
    }
  }

  #hold(delivery: Delivery<M, Value>, delayMs: number, result: MiddlewareOutcome): void {
    const error = result.kind === "failure" ? result.error : undefined;
    this.#config.reporter.retrying(delivery, delayMs, error);
    delivery.retries += 1;
    delivery.continuations = undefined;
    this.#counters.retries += 1;
    this.#waitThen(delivery, delayMs, () => this.#lanes.again(delivery));
  }

  /** Holds the delivery, and with it its lane, until the delay is over; a loss ends the wait. */
  #waitThen(delivery: Delivery<M, Value>, delayMs: number, then: () => void): void {
    const { signal } = delivery.message;
    const resume = (step: () => void): void => {
      delivery.timer?.cancel();
      delivery.timer = undefined;
      signal.removeEventListener("abort", onLost);
      if (this.#halted) return;
      step();
      this.#config.changed();
    };
    const onLost = (): void => resume(() => this.#leaveLost(delivery, signal.reason));
    delivery.phase = "waiting";
    delivery.timer = this.#config.clock.schedule(delayMs, () => resume(then));
    signal.addEventListener("abort", onLost, { once: true });
  }

  #settle(delivery: Delivery<M, Value>, decision: SettlingDecision): void {
    delivery.phase = "settling";
    this.#counters.settling += 1;
    const settling = settle(delivery, decision, this.#config.policy.deadLetter);
    if (settling !== settledAtOnce) {
      void this.#awaitSettle(delivery, decision, settling);
      return;
    }
    this.#counters.settling -= 1;
    this.#leave(delivery, decision.kind);
  }

  async #awaitSettle(
    delivery: Delivery<M, Value>,
    decision: SettlingDecision,
    settling: Promise<void>,
  ): Promise<void> {
    let failure: FailureOutcome | undefined;
    try {
      await settling;
    } catch (error) {
      failure = { kind: "failure", error };
    }
    this.#counters.settling -= 1;
    if (failure) this.#settleFailed(delivery, decision, failure.error);
    else this.#leave(delivery, decision.kind);
    this.#config.changed();
  }

  #settleFailed(delivery: Delivery<M, Value>, decision: SettlingDecision, error: unknown): void {
    const { message } = delivery;
    if (message.settled || message.lost) {
      this.#leaveLost(delivery, message.lost ?? error);
      return;
    }
    this.#config.reporter.failed(error, message);
    // A dead letter that its publisher can never carry. The handler's verdict cannot be carried out by anybody here, and
    // trying for ever would keep the lane; the delivery stays unsettled, and the run says why.
    const hopeless = isTidelaneError(error, "TIDELANE_INVALID_MESSAGE");
    if (hopeless || this.#halted) {
      delivery.phase = "abandoned";
      if (hopeless) this.#config.fatal(error);
      return;
    }
    // Still unsettled: the dead letter could not be published, or the transport refused. The lane waits, and the same
    // decision is carried out again; running the handler again would be a second verdict.
    delivery.settleRetries += 1;
    const delayMs = backoffDelay(this.#config.policy.backoff, delivery.settleRetries, this.#config.random);
    this.#waitThen(delivery, delayMs, () => this.#settle(delivery, decision));
  }

  /** No value or no key: it goes where dead letters go. Without such a place a payload is dropped and said so. */
  #unrunnable(delivery: Delivery<M, Value>, error: DecodeError | KeyError): void {
    this.#freeWorker(delivery);
    const aside = setAside(error, this.#config.policy);
    const isDropped = aside === undefined && error instanceof DecodeError;
    this.#config.reporter.failed(error, delivery.message, isDropped ? "was dropped" : "failed");
    if (error instanceof DecodeError) this.#counters.undecodable += 1;
    else if (aside === undefined) {
      delivery.phase = "abandoned";
      this.#config.fatal(error);
      return;
    }
    this.#settle(delivery, aside ?? { kind: "drop" });
  }

  // ---- departure

  #leaveLost(delivery: Delivery<M, Value>, error: unknown): void {
    if (!isTidelaneError(error, "TIDELANE_DELIVERY_LOST"))
      this.#config.reporter.failed(error, delivery.message);
    this.#leave(delivery, "lost", error);
  }

  #leave(delivery: Delivery<M, Value>, settlement: Settlement, error?: unknown): void {
    this.#counters[counterOf[settlement]] += 1;
    this.inFlight.remove(delivery);
    this.#config.reporter.left(delivery, settlement, error);
    this.#lanes.finish(delivery);
    if (delivery.continuations) this.#config.continued(delivery, settlement);
  }
}

const counterOf = {
  ack: "handled",
  "by-handler": "handled",
  drop: "dropped",
  "dead-letter": "deadLettered",
  redeliver: "redelivered",
  lost: "lost",
} as const satisfies Record<Settlement, string>;

/** Whether `error` is the reason of an abort, or what a platform API makes of it. */
function isReason(error: unknown, reason: unknown): boolean {
  return error === reason || (error instanceof Error && error.cause === reason && reason !== undefined);
}

function toDecodeError(message: Message, cause: unknown): DecodeError {
  if (isTidelaneError(cause, "TIDELANE_DECODE")) return cause as DecodeError;
  return new DecodeError({
    topic: message.topic,
    reason: `the codec failed: ${messageOf(cause)}`,
    cause,
  });
}
