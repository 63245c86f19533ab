import { nextTurn } from "../traits/clock.ts";
import {
  type DecodeError,
  isTidelaneError,
  type KeyError,
  MissingDeadLetterError,
  type TimeoutError,
} from "../traits/errors.ts";
import { type Message, settledAtOnce } from "../traits/message.ts";
import { Delivery, type Settlement } from "./delivery.ts";
import type { DispatchConfig } from "./dispatch-config.ts";
import { backoffDelay } from "./failure-policy.ts";
import { InFlight } from "./in-flight.ts";
import { keyOf } from "./key.ts";
import { Keyless } from "./keyless.ts";
import { Lanes } from "./lanes.ts";
import { type FailureOutcome, isDecided, type MiddlewareOutcome } from "./outcome.ts";
import { decide, isFinal, nextStep, type SettlingDecision, setAside, settle } from "./settle.ts";
import { stallError } from "./stall-watch.ts";
import { counterOf, newCounters, type RunStats } from "./stats.ts";
import { isThenable } from "./thenable.ts";
import { isReason } from "./thrown.ts";
import { Timeouts } from "./timeouts.ts";
import { Trouble } from "./trouble.ts";
import { decodeInto } from "./undecodable.ts";
import { Worker } from "./worker.ts";

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
  readonly #workers: Worker<Delivery<M, Value>>[];
  readonly #timeouts: Timeouts<Delivery<M, Value>> | undefined;
  readonly #trouble: Trouble;
  /** Given up after a timeout; their handlers have not returned. They are not in flight. */
  readonly #abandoned = new Set<Delivery<M, Value>>();
  /** Set where a forgotten key costs the order. */
  readonly #keyless: Keyless<Value> | undefined;
  #sequence = 0;
  /** Once halted nothing starts any more, and a failed run is left unsettled instead of retried. */
  #halted = false;

  constructor(config: DispatchConfig<M, Value>) {
    this.#config = config;
    this.#workers = Array.from({ length: config.workers }, () => new Worker(config.chain.read, this.#ended));
    const { clock, timeoutMs, selector, workers, topic, reporter } = config;
    if (selector && workers > 1) {
      this.#keyless = new Keyless(selector, topic, workers, (sentence) => reporter.noticed(sentence));
    }
    this.#trouble = new Trouble(this.#counters, clock, {
      isStuck: () => this.#isStuck(),
      stalled: () => reporter.failed(stallError(topic, this.inFlight.size, this.#trouble.failing)),
    });
    this.#timeouts = timeoutMs === undefined ? undefined : new Timeouts(clock, timeoutMs, this.#expired);
    this.#idle = Array.from(this.#workers.keys()).reverse();
  }

  get room(): number {
    return this.#config.maxInFlight - this.inFlight.size;
  }

  /** Handlers that have not returned, and settles that have not been answered. */
  get active(): number {
    return this.#counters.running + this.#counters.settling;
  }

  /** Whose handlers were given up after a timeout, and have not returned. */
  get abandoned(): Iterable<Delivery<M, Value>> {
    return this.#abandoned;
  }

  get stats(): Omit<RunStats, "continuations"> {
    const { running, settling } = this.#counters;
    const inFlight = this.inFlight.size;
    const { peak: peakInFlight } = this.inFlight;
    const waiting = inFlight - running - settling;
    const stalled = this.#trouble.isStalled;
    return { ...this.#counters, inFlight, waiting, peakInFlight, lanes: this.#lanes.size, stalled };
  }

  /**
   * No room, and failures to blame. A worker that has nothing to do shows that nothing else may run; failures that fill half
   * the room are enough where handlers that hang keep all workers.
   */
  #isStuck(): boolean {
    const { maxInFlight, pulling } = this.#config;
    if (this.room > 0 || !pulling()) return false;
    return this.#idle.length > 0 || this.#trouble.failing * 2 >= maxInFlight;
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
      const decoding = decodeInto(delivery, decode, this.#undecodable);
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
      const { settled, revoked } = delivery.message;
      if (settled) this.#leave(delivery, "by-handler");
      else if (revoked) this.#leaveRevoked(delivery, revoked);
      else this.#start(delivery);
    }
  }

  /** Starts nothing any more; tells running handlers to give up. What waits stays unsettled. */
  halt(reason: unknown): void {
    this.#halted = true;
    this.#timeouts?.stop();
    this.#trouble.stop();
    for (const delivery of this.inFlight) {
      delivery.timer?.cancel();
      delivery.timer = undefined;
      if (delivery.phase === "running") delivery.abort(reason);
    }
  }

  /** Nothing is in flight: holds no timer. */
  rest(): void {
    this.#timeouts?.rest();
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
      if (delivery.key === undefined) this.#keyless?.add(delivery.sequence);
    }
    delivery.phase = "waiting";
    this.#lanes.add(delivery);
  }

  #start(delivery: Delivery<M, Value>): void {
    delivery.phase = "running";
    delivery.worker = this.#idle.pop() as number;
    this.#counters.running += 1;
    const { decode } = this.#config;
    const decoding =
      decode && !delivery.decoded ? decodeInto(delivery, decode, this.#undecodable) : undefined;
    if (decoding !== undefined) void decoding.then(() => this.#runLate(delivery));
    else this.#run(delivery);
  }

  #freeWorker(delivery: Delivery<M, Value>): void {
    if (delivery.phase !== "running") return;
    this.#idle.push(delivery.worker);
    this.#counters.running -= 1;
  }

  // ---- decode and handler

  readonly #undecodable = (delivery: Delivery<M, Value>, error: DecodeError): void =>
    this.#unrunnable(delivery, error);

  /** After a wait for the value, in which the run may have been halted, or the delivery revoked or set aside. */
  #runLate(delivery: Delivery<M, Value>): void {
    const { revoked } = delivery.message;
    if (delivery.phase === "running" && (revoked || this.#halted)) {
      this.#freeWorker(delivery);
      delivery.phase = "abandoned";
      if (revoked) this.#leaveRevoked(delivery, revoked);
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
        this.#timeouts?.started(delivery);
        this.#workers[delivery.worker]?.await(delivery, returned);
        return;
      }
      result = read(returned);
    } catch (error) {
      result = { kind: "failure", error };
    }
    this.#ran(delivery, result);
  }

  readonly #ended = (delivery: Delivery<M, Value>, result: MiddlewareOutcome): void => {
    // Whatever a handler that was given up comes to is nobody's.
    if (this.#abandoned.delete(delivery)) return;
    this.#ran(delivery, result);
    this.#config.changed();
  };

  readonly #expired = (delivery: Delivery<M, Value>, error: TimeoutError): void => {
    delivery.abort(error);
    if (this.#config.onTimeout === "wait") {
      void this.#nameLate(delivery, error);
      return;
    }
    // Another worker and another object take the place: the handler that was given up keeps its context, whose signal has
    // aborted, and what it asks of that context is nobody's.
    this.#trouble.mark(delivery, undefined);
    this.#abandoned.add(delivery);
    this.#workers[delivery.worker] = new Worker(this.#config.chain.read, this.#ended);
    const successor = delivery.succeed();
    this.inFlight.replace(delivery, successor);
    this.#lanes.replace(delivery, successor);
    this.#ended(successor, { kind: "failure", error });
  };

  /** A handler that heeds its signal has returned by then, and its failure is told with what comes next. */
  async #nameLate(delivery: Delivery<M, Value>, error: TimeoutError): Promise<void> {
    await nextTurn();
    if (this.#timeouts?.errorOf(delivery) === error) {
      this.#config.reporter.failed(error, delivery, { kind: "wait" });
    }
  }

  // ---- decision and settle

  #ran(delivery: Delivery<M, Value>, given: MiddlewareOutcome): void {
    const { policy, reporter, random } = this.#config;
    this.#freeWorker(delivery);
    let result = given;
    const late = this.#timeouts?.ended(delivery);
    // A run that is halted carries out what a handler decides, even late; else its message would come again.
    if (late && !(this.#halted && isDecided(result))) result = { kind: "failure", error: late };
    else if (
      result.kind === "dead-letter" &&
      typeof policy.deadLetter !== "object" &&
      policy.deadLetter !== "broker"
    ) {
      result = { kind: "failure", error: new MissingDeadLetterError({ topic: delivery.topic }) };
    }
    const { message } = delivery;
    const decision = result.kind === "ack" ? result : decide(result, delivery, policy, random);
    // A handler that gave up because the run was halted did what it was told.
    if (result.kind === "failure" && !(this.#halted && isReason(result.error, delivery.signal.reason))) {
      this.#counters.failures += 1;
      const isOver = message.settled || message.revoked || this.#halted;
      reporter.failed(result.error, delivery, isOver ? undefined : nextStep(decision));
    }
    // Whoever was told of the failure may have settled the message or stopped the run.
    if (message.settled) this.#leave(delivery, "by-handler");
    else if (message.revoked) this.#leaveRevoked(delivery, message.revoked);
    else if (this.#halted && (result.kind === "failure" || result.kind === "retry"))
      delivery.phase = "abandoned";
    else if (decision.kind === "hold") this.#hold(delivery, decision.delayMs, result);
    else this.#settle(delivery, decision);
  }

  #hold(delivery: Delivery<M, Value>, delayMs: number, result: MiddlewareOutcome): void {
    const error = result.kind === "failure" ? result.error : undefined;
    this.#config.reporter.retrying(delivery, delayMs, error);
    delivery.retries += 1;
    delivery.continuations = undefined;
    delivery.renew();
    this.#counters.retries += 1;
    this.#trouble.retry(delivery, result.kind === "retry" && result.delayMs !== undefined);
    this.#waitThen(delivery, delayMs, () => this.#lanes.again(delivery));
  }

  /** Holds the delivery, and with it its lane, until the delay is over; a revocation ends the wait. */
  #waitThen(delivery: Delivery<M, Value>, delayMs: number, then: () => void): void {
    const { signal } = delivery.message;
    const resume = (step: () => void): void => {
      delivery.timer?.cancel();
      delivery.timer = undefined;
      signal.removeEventListener("abort", onRevoked);
      if (this.#halted) return;
      step();
      this.#config.changed();
    };
    const onRevoked = (): void => resume(() => this.#leaveRevoked(delivery, signal.reason));
    delivery.phase = "waiting";
    delivery.timer = this.#config.clock.schedule(delayMs, () => resume(then));
    signal.addEventListener("abort", onRevoked, { once: true });
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
    if (message.settled || message.revoked) {
      this.#leaveRevoked(delivery, message.revoked ?? error);
      return;
    }
    // A dead letter that its publisher can never publish. The handler's verdict cannot be carried out by anybody here, and
    // trying for ever would keep the lane; the delivery stays unsettled, and the run says why.
    const hopeless = decision.kind === "dead-letter" && isFinal(error);
    const { policy, random, reporter } = this.#config;
    const delayMs = backoffDelay(policy.backoff, delivery.settleRetries + 1, random);
    const next = hopeless ? ({ kind: "end" } as const) : ({ kind: "settle", delayMs } as const);
    reporter.failed(error, delivery, this.#halted ? undefined : next);
    if (hopeless || this.#halted) {
      delivery.phase = "abandoned";
      if (hopeless) this.#config.fatal(error);
      return;
    }
    // Still unsettled: the dead letter could not be published, or the transport refused. The lane waits, and the same
    // decision is carried out again; running the handler again would be a second verdict.
    delivery.settleRetries += 1;
    this.#trouble.mark(delivery, "blocked");
    this.#waitThen(delivery, delayMs, () => this.#settle(delivery, decision));
  }

  /** No value or no key: it goes where dead letters go. Without such a place a payload is dropped and said so. */
  #unrunnable(delivery: Delivery<M, Value>, error: DecodeError | KeyError): void {
    this.#freeWorker(delivery);
    const aside = setAside(error, this.#config.policy);
    const isFatal = aside === undefined && error.code !== "TIDELANE_DECODE";
    const decision = aside ?? { kind: "drop" };
    this.#config.reporter.failed(error, delivery, isFatal ? { kind: "end" } : nextStep(decision));
    if (error.code === "TIDELANE_DECODE") this.#counters.undecodable += 1;
    if (isFatal) {
      delivery.phase = "abandoned";
      this.#config.fatal(error);
      return;
    }
    this.#settle(delivery, decision);
  }

  // ---- departure

  #leaveRevoked(delivery: Delivery<M, Value>, error: unknown): void {
    if (!isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED")) this.#config.reporter.failed(error, delivery);
    this.#leave(delivery, "revoked", error);
  }

  #leave(delivery: Delivery<M, Value>, settlement: Settlement, error?: unknown): void {
    this.#counters[counterOf[settlement]] += 1;
    this.inFlight.remove(delivery);
    if (delivery.trouble !== undefined) this.#trouble.mark(delivery, undefined);
    this.#config.reporter.left(delivery, settlement, error);
    this.#lanes.finish(delivery);
    if (delivery.continuations) this.#config.continued(delivery, settlement);
  }
}
