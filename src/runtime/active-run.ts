import { checkDuration, checkObject, checkSignal } from "../traits/arguments.ts";
import { type Clock, nextTurn, type Timer } from "../traits/clock.ts";
import { type Deferred, deferred } from "../traits/deferred.ts";
import { AbortedError, NotSupportedError, TimeoutError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import { checkOptionNames } from "../traits/option-names.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { askForTopic } from "./ask-for-topic.ts";
import { closeSubscriber, closeWithinMs } from "./close-subscriber.ts";
import { Continuations } from "./continuations.ts";
import { CutOff } from "./cut-off.ts";
import { Deadline } from "./deadline.ts";
import type { Delivery } from "./delivery.ts";
import { Dispatcher } from "./dispatch.ts";
import type { RunConfig } from "./dispatch-config.ts";
import type { DeadLetterTarget } from "./failure-policy.ts";
import { Intake } from "./intake.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { Reporter } from "./report.ts";
import {
  type DrainOptions,
  drainNames,
  type LeftDelivery,
  type Run,
  type RunReport,
  type StopOptions,
  stopNames,
} from "./run.ts";
import { abandonedDelivery, leftDelivery, setFacts } from "./run-facts.ts";
import { isFinal } from "./settle.ts";
import { StallWatch, stallError } from "./stall-watch.ts";
import type { RunStats } from "./stats.ts";

/** So many turns of the event loop a test has to move its clock, before a drain that waits for it says so. */
const turnsToMoveClock = 100;

type Phase = "running" | "draining" | "stopping" | "closing" | "ended";

/** Ties intake and dispatcher together and takes them through the life of a run. */
export class ActiveRun<M extends Message, Value> implements Run {
  readonly topic: string;
  readonly started: Promise<void>;
  readonly done: Promise<RunReport>;
  readonly #started = deferred<void>();
  /** Rejects when a drain waits for a clock that nobody moves; there while a drain wants to hear of it. */
  #stoodStill: Deferred<never> | undefined;
  #watchingClock = false;
  readonly #done = deferred<RunReport>();
  readonly #subscriber: Subscriber<M>;
  readonly #clock: Clock;
  readonly #reporter: Reporter<M>;
  readonly #dispatcher: Dispatcher<M, Value>;
  readonly #intake: Intake<M>;
  readonly #continuations: Continuations<M>;
  /** Watches while there are too many continuations to pull. */
  readonly #continuationStall: StallWatch;
  readonly #keepAlive: KeepAlive<Delivery<M, Value>> | undefined;
  readonly #signal: AbortSignal | undefined;
  /**
   * Never fires, and keeps the process alive until the run is over: to Node a pending promise is no work, and a broker
   * without a socket has no other. Not on a clock that moves by hand, as in a test.
   */
  readonly #processHold: Timer | undefined;

  /** Only moves forward: running, draining, stopping, closing, ended; phases may be skipped. */
  #phase: Phase = "running";
  #endedBy: RunReport["endedBy"] = "end";
  /** What `done` rejects with. */
  #failure: { readonly cause: unknown } | undefined;
  /** Nothing more comes in: the subscription ended, or the intake was closed and has said so. */
  #exhausted = false;
  /** The dead letter topic was asked for, where it can be: pulling may begin. */
  #checked = false;
  /** The dead letter topic that was asked for, until the publisher answers. */
  #asksFor: string | undefined;
  /** Once the run is over. */
  #left: readonly LeftDelivery[] = [];
  /** Set when the stream ended while the run was pulling. */
  #cutOff: CutOff<M> | undefined;
  /** Given up when the run halts. */
  readonly #halted = new AbortController();
  /** Resolves when nothing is in flight and the intake waits, or the run is over; there while somebody asked. */
  #quiet: Deferred<void> | undefined;
  #pumping = false;
  /** Something changed since the pump last looked. */
  #news = false;
  /** The earliest of every drain and stop. When it has passed nothing is waited for any more. */
  readonly #deadline: Deadline;

  constructor(config: RunConfig<M, Value>) {
    const { subscriber, clock, reporter } = config;
    this.#subscriber = subscriber;
    this.#clock = clock;
    this.#deadline = new Deadline(clock);
    this.#reporter = reporter;
    this.#signal = config.signal;
    this.topic = subscriber.topic;
    this.started = this.#started.promise;
    this.done = this.#done.promise;
    for (const promise of [this.started, this.done]) promise.catch(() => undefined);
    const failed = (error: unknown, delivery: Delivery<M, unknown>): void => reporter.failed(error, delivery);
    this.#continuations = new Continuations<M>(failed, () => this.#pump());
    this.#dispatcher = new Dispatcher<M, Value>({
      ...config,
      topic: this.topic,
      continued: (delivery, settlement) => this.#continuations.start(delivery, settlement),
      changed: () => this.#pump(),
      pulling: () => this.#phase === "running",
      fatal: (error) => this.#fatal(error),
    });
    this.#continuationStall = new StallWatch(clock, {
      pulled: () => this.#dispatcher.stats.pulled,
      isStuck: () => this.#continuations.room <= 0 && this.#phase === "running",
      stalled: () => {
        const { inFlight, retrying, blocked } = this.stats;
        reporter.failed(stallError(this.topic, inFlight, retrying + blocked, this.#continuations.size));
      },
    });
    if (subscriber.capabilities.ackDeadlineMs !== undefined) {
      const deadlineMs = (): number | undefined => subscriber.capabilities.ackDeadlineMs;
      this.#keepAlive = new KeepAlive(this.#dispatcher.inFlight, clock, deadlineMs, failed);
    }
    this.#intake = this.#openIntake(config);
    setFacts(this, { left: () => this.#left, asksFor: () => this.#asksFor });
    if (!clock.manual) this.#processHold = clock.schedule(Number.POSITIVE_INFINITY, () => undefined);
    void this.#endInTime();
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#onAbort();
    else void this.#begin(config.policy.deadLetter);
  }

  get stats(): RunStats {
    const { stats } = this.#dispatcher;
    const stalled = stats.stalled || this.#continuationStall.isStalled;
    return { ...stats, stalled, continuations: this.#continuations.size };
  }

  async idle(): Promise<void> {
    let seen = -1;
    while (this.#phase !== "ended") {
      if (!this.#isQuiet()) {
        this.#quiet ??= deferred();
        await this.#quiet.promise;
      } else if (this.#continuations.size > 0) {
        // One that never ends does not outlive the run.
        await Promise.race([this.#continuations.idle(), this.done.catch(() => undefined)]);
      } else {
        const { pulled } = this.#dispatcher.stats;
        if (pulled === seen) return;
        seen = pulled;
        // A source without takeReady may be about to answer: within a turn, if it has something.
        await nextTurn();
        await nextTurn();
      }
    }
    if (this.#failure) throw this.#failure.cause;
  }

  drain(options: DrainOptions = {}): Promise<RunReport> {
    checkObject("run.drain(options)", options);
    checkOptionNames("run.drain(options)", options, drainNames);
    const { deadlineMs = 30_000, signal } = options;
    checkDuration("drain: deadlineMs", deadlineMs);
    checkSignal("drain: signal", signal);
    const what = `The drain of "${this.topic}"`;
    this.#deadline.within(deadlineMs, () => new TimeoutError({ what, timeoutMs: deadlineMs }));
    if (signal) this.#expireOn(signal, what);
    if (this.#phase === "running") {
      this.#phase = "draining";
      this.#endedBy = "drain";
      void this.#closeIntake();
    }
    if (!this.#clock.manual) return this.done;
    this.#stoodStill ??= deferred();
    const drained = Promise.race([this.done, this.#stoodStill.promise]);
    drained.catch(() => undefined);
    void this.#watchClock();
    return drained;
  }

  stop(options: StopOptions = {}): Promise<RunReport> {
    checkObject("run.stop(options)", options);
    checkOptionNames("run.stop(options)", options, stopNames);
    const { deadlineMs = 5_000 } = options;
    checkDuration("stop: deadlineMs", deadlineMs);
    const reason = new AbortedError({ what: `The run of "${this.topic}"` });
    this.#deadline.within(deadlineMs, () => reason);
    if (this.#phase === "running" || this.#phase === "draining") {
      this.#endedBy = "stop";
      this.#halt(reason);
    }
    return this.done;
  }

  /** Asks whether dead letters can be published, then pulls. */
  async #begin(target: RunConfig<M, Value>["policy"]["deadLetter"]): Promise<void> {
    // Not before the caller has the run: a handler may be called at once, and may end it.
    await undefined;
    try {
      if (typeof target === "object") await this.#ask(target);
    } catch (error) {
      if (this.#halted.signal.aborted) return;
      const next = isFinal(error) ? "end" : "none";
      this.#reporter.failed(error, undefined, { kind: next });
      if (next === "end") {
        this.#fatal(error);
        return;
      }
    }
    this.#checked = true;
    this.#started.resolve();
    this.#pump();
  }

  async #ask(target: DeadLetterTarget): Promise<void> {
    this.#asksFor = target.topic;
    const onLate = (error: TimeoutError): void => this.#reporter.failed(error, undefined, { kind: "wait" });
    try {
      await askForTopic(target, this.topic, this.#clock, this.#halted.signal, onLate);
    } finally {
      this.#asksFor = undefined;
    }
  }

  /** While a drain waits for nothing but a clock that somebody has to move: says so when nobody moves it. */
  async #watchClock(): Promise<void> {
    if (this.#watchingClock || this.#stoodStill === undefined) return;
    this.#watchingClock = true;
    let now = this.#clock.now();
    for (let turns = 0; this.#phase === "draining" && this.#isHeld(); turns += 1) {
      if (turns === turnsToMoveClock) {
        const error = new NotSupportedError({
          capability: `The drain of "${this.topic}" on a clock that stands still`,
          reason: "deliveries wait for their retry; advance the clock, then await the drain",
        });
        this.#reporter.failed(error);
        // A later drain is told anew: the clock may have moved by then.
        this.#stoodStill?.reject(error);
        this.#stoodStill = undefined;
        break;
      }
      await nextTurn();
      if (this.#clock.now() !== now) turns = 0;
      now = this.#clock.now();
    }
    this.#watchingClock = false;
  }

  /** Only the clock can bring anything about. */
  #isHeld(): boolean {
    const { retrying, blocked } = this.#dispatcher.stats;
    return this.#dispatcher.active === 0 && retrying + blocked > 0;
  }

  readonly #onAbort = (): void => {
    void this.stop();
  };

  #openIntake(config: RunConfig<M, Value>): Intake<M> {
    return new Intake<M>(
      this.#subscriber[Symbol.asyncIterator](),
      {
        room: () => (this.#continuations.room > 0 ? this.#dispatcher.room : 0),
        admit: (message) => this.#dispatcher.admit(message),
        pump: () => this.#pump(),
        ended: (error) => {
          this.#exhausted = true;
          this.#failure ??= error;
          if (error) this.#reporter.failed(error.cause, undefined, { kind: "end" });
          else if (this.#phase === "running") void this.#watchCutOff();
        },
      },
      config.selector?.readsValue && config.decode ? 1 : Number.POSITIVE_INFINITY,
    );
  }

  /** The stream ended by itself, or somebody closed it: then what is in flight is lost, and the subscriber says so soon. */
  async #watchCutOff(): Promise<void> {
    this.#cutOff = new CutOff(this.topic, this.#dispatcher.inFlight);
    await nextTurn();
    this.#tellCutOff();
  }

  #tellCutOff(): void {
    const sentence = this.#cutOff?.tell();
    if (sentence !== undefined) this.#reporter.noticed(sentence);
  }

  #fatal(error: unknown): void {
    if (this.#phase !== "running" && this.#phase !== "draining") return;
    this.#failure ??= { cause: error };
    this.#deadline.within(closeWithinMs, () => error);
    this.#halt(error);
  }

  #halt(reason: unknown): void {
    this.#phase = "stopping";
    this.#halted.abort(reason);
    this.#dispatcher.halt(reason);
    void this.#closeIntake();
  }

  /** Makes the deadline pass when `signal` aborts, for as long as the run goes on. */
  #expireOn(signal: AbortSignal, what: string): void {
    const onAbort = (): void => this.#deadline.expire(new AbortedError({ what, cause: signal.reason }));
    const forget = (): void => signal.removeEventListener("abort", onAbort);
    signal.addEventListener("abort", onAbort, { once: true });
    void this.done.then(forget, forget);
    if (signal.aborted) onAbort();
  }

  async #endInTime(): Promise<void> {
    const reason = await this.#deadline.passed;
    if (this.#phase === "closing" || this.#phase === "ended") return;
    this.#dispatcher.halt(reason);
    await this.#close();
  }

  /** The one loop: start what may run, take in what fits, until neither is possible; then look whether it is over. */
  #pump(): void {
    this.#news = true;
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#news) {
      this.#news = false;
      this.#dispatcher.startRunnable();
      if (this.#phase === "running" && this.#checked && this.#intake.takeSome()) this.#news = true;
    }
    this.#pumping = false;
    if (this.#phase === "closing" || this.#phase === "ended") return;
    this.#continuationStall.watch(this.#continuations.room <= 0 && this.#phase === "running");
    if (this.#dispatcher.inFlight.size > 0) this.#keepAlive?.arm();
    else this.#dispatcher.rest();
    if (this.#quiet && this.#isQuiet()) this.#resolveQuiet();
    if (this.#clock.manual && this.#phase === "draining") void this.#watchClock();
    if (this.#exhausted && this.#isDone()) void this.#close();
  }

  /** Whether all is done that will be: a stop waits for what is active, everything else for all that is in flight. */
  #isDone(): boolean {
    return this.#phase === "stopping" ? this.#dispatcher.active === 0 : this.#dispatcher.inFlight.size === 0;
  }

  #isQuiet(): boolean {
    return this.#dispatcher.inFlight.size === 0 && this.#intake.isWaiting;
  }

  #resolveQuiet(): void {
    this.#quiet?.resolve();
    this.#quiet = undefined;
  }

  async #closeIntake(): Promise<void> {
    try {
      await this.#intake.close();
    } catch (error) {
      this.#reporter.failed(error);
    }
    this.#exhausted = true;
    this.#pump();
  }

  /** Every road leads here, once: continuations, subscriber, report. */
  async #close(): Promise<void> {
    if (this.#phase === "closing" || this.#phase === "ended") return;
    this.#phase = "closing";
    this.#halted.abort();
    const unsettled = Array.from(this.#dispatcher.inFlight, leftDelivery);
    const stats = this.#dispatcher.stats;
    await Promise.race([this.#continuations.idle(), this.#deadline.passed]);
    const continuations = this.#continuations.size;
    this.#continuations.clear();
    this.#keepAlive?.stop();
    this.#continuationStall.watch(false);
    this.#tellCutOff();
    await closeSubscriber(this.#subscriber, this.#clock).catch((error) => this.#reporter.failed(error));
    const left = [...unsettled, ...Array.from(this.#dispatcher.abandoned, abandonedDelivery)];
    this.#left = left;
    this.#phase = "ended";
    this.#deadline.cancel();
    this.#processHold?.cancel();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#resolveQuiet();
    if (this.#failure) {
      this.#started.reject(this.#failure.cause);
      this.#done.reject(this.#failure.cause);
      return;
    }
    this.#started.resolve();
    this.#done.resolve({ ...stats, continuations, endedBy: this.#endedBy, left });
  }
}
