import type { Clock, Timer } from "../traits/clock.ts";
import { deferred } from "../traits/deferred.ts";
import { AbortedError, TimeoutError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { askForTopic } from "./ask-for-topic.ts";
import { ClockWatch } from "./clock-watch.ts";
import { closeSubscriber, closeWithinMs } from "./close-subscriber.ts";
import { CutOff } from "./cut-off.ts";
import { Deadline } from "./deadline.ts";
import type { RunConfig } from "./dispatch-config.ts";
import type { DeadLetterTarget } from "./failure-policy.ts";
import { IdleWatch } from "./idle-watch.ts";
import type { Reporter } from "./report.ts";
import {
  checkDrain,
  checkStop,
  type DrainOptions,
  type LeftDelivery,
  type Run,
  type RunReport,
  type StopOptions,
} from "./run.ts";
import { abandonedDelivery, leftDelivery, setFacts } from "./run-facts.ts";
import { RunParts } from "./run-parts.ts";
import { isFinal } from "./settle.ts";
import type { RunStats } from "./stats.ts";

type Phase = "running" | "draining" | "stopping" | "closing" | "ended";

/** Takes the parts of a run through its life: it begins, pumps, is drained or stopped, and closes. */
export class ActiveRun<M extends Message, Value> implements Run {
  readonly topic: string;
  readonly started: Promise<void>;
  readonly done: Promise<RunReport>;
  readonly #started = deferred<void>();
  readonly #done = deferred<RunReport>();
  readonly #subscriber: Subscriber<M>;
  readonly #clock: Clock;
  readonly #reporter: Reporter<M>;
  readonly #signal: AbortSignal | undefined;
  readonly #parts: RunParts<M, Value>;
  readonly #idleWatch: IdleWatch<M, Value>;
  readonly #clockWatch: ClockWatch;
  /** The earliest of every drain and stop. When it has passed nothing is waited for any more. */
  readonly #deadline: Deadline;
  /** Given up when the run halts. */
  readonly #halted = new AbortController();
  /**
   * Never fires, and keeps the process alive until the run is over: to Node a pending promise is no work, and a broker
   * without a socket has no other. Not on a clock that moves by hand, as in a test.
   */
  readonly #processHold: Timer | undefined;

  /** Only moves forward: running, draining, stopping, closing, ended; phases may be skipped. */
  #phase: Phase = "running";
  /** The dead letter topic that was asked for, until the publisher answers. */
  #asksFor: string | undefined;
  /** The dead letter topic was asked for, where it can be: pulling may begin. */
  #checked = false;
  #pumping = false;
  /** Something changed since the pump last looked. */
  #news = false;
  /** Nothing more comes in: the subscription ended, or the intake was closed and has said so. */
  #exhausted = false;
  /** Set when the stream ended while the run was pulling. */
  #cutOff: CutOff<M> | undefined;
  #endedBy: RunReport["endedBy"] = "end";
  /** What `done` rejects with. */
  #failure: { readonly cause: unknown } | undefined;
  /** Once the run is over. */
  #left: readonly LeftDelivery[] = [];

  constructor(config: RunConfig<M, Value>) {
    const { subscriber, clock, reporter, signal, policy } = config;
    this.topic = subscriber.topic;
    this.#subscriber = subscriber;
    this.#clock = clock;
    this.#reporter = reporter;
    this.#signal = signal;
    this.started = this.#started.promise;
    this.done = this.#done.promise;
    for (const promise of [this.started, this.done]) promise.catch(() => undefined);
    this.#parts = new RunParts(config, {
      pump: () => this.#pump(),
      pulling: () => this.#phase === "running",
      ended: (error) => this.#streamEnded(error),
      fatal: (error) => this.#fatal(error),
    });
    this.#deadline = new Deadline(clock);
    this.#idleWatch = new IdleWatch(this.#parts, this.done, () => this.#failure);
    this.#clockWatch = new ClockWatch(this.topic, clock, {
      isHeld: () => this.#phase === "draining" && this.#parts.isHeld,
      stoodStill: (error) => reporter.failed(error),
    });
    setFacts(this, { left: () => this.#left, asksFor: () => this.#asksFor });
    if (!clock.manual) this.#processHold = clock.schedule(Number.POSITIVE_INFINITY, () => undefined);
    void this.#endInTime();
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (signal?.aborted) this.#onAbort();
    else void this.#begin(policy.deadLetter);
  }

  get stats(): RunStats {
    return this.#parts.stats;
  }

  // ---- it begins

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

  // ---- it runs

  /** The one loop: start what may run, take in what fits, until neither is possible; then look whether it is over. */
  #pump(): void {
    this.#news = true;
    if (this.#pumping) return;
    this.#pumping = true;
    const { dispatcher, intake } = this.#parts;
    while (this.#news) {
      this.#news = false;
      dispatcher.startRunnable();
      if (this.#phase === "running" && this.#checked && intake.takeSome()) this.#news = true;
    }
    this.#pumping = false;
    if (this.#phase !== "closing" && this.#phase !== "ended") this.#look();
  }

  #look(): void {
    this.#parts.watch(this.#phase === "running");
    this.#idleWatch.look();
    if (this.#clock.manual && this.#phase === "draining") void this.#clockWatch.look();
    if (this.#exhausted && this.#isDone()) void this.#close();
  }

  /** Whether all is done that will be: a stop waits for what is active, everything else for all that is in flight. */
  #isDone(): boolean {
    const { dispatcher } = this.#parts;
    return this.#phase === "stopping" ? dispatcher.active === 0 : dispatcher.inFlight.size === 0;
  }

  idle(): Promise<void> {
    return this.#idleWatch.idle();
  }

  /** The stream ended by itself, or somebody closed it: then what is in flight is lost, and the subscriber says so soon. */
  #streamEnded(error: { readonly cause: unknown } | undefined): void {
    this.#exhausted = true;
    this.#failure ??= error;
    if (error) this.#reporter.failed(error.cause, undefined, { kind: "end" });
    else if (this.#phase === "running") {
      this.#cutOff = new CutOff(this.topic, this.#parts.dispatcher.inFlight, this.#reporter);
      void this.#cutOff.tellSoon();
    }
  }

  // ---- it is drained or stopped

  drain(options: DrainOptions = {}): Promise<RunReport> {
    const { deadlineMs, signal } = checkDrain(options);
    const what = `The drain of "${this.topic}"`;
    this.#deadline.within(deadlineMs, () => new TimeoutError({ what, timeoutMs: deadlineMs }));
    if (signal) this.#deadline.expireOn(signal, what, this.done);
    if (this.#phase === "running") {
      this.#phase = "draining";
      this.#endedBy = "drain";
      void this.#closeIntake();
    }
    return this.#clock.manual ? this.#clockWatch.during(this.done) : this.done;
  }

  stop(options: StopOptions = {}): Promise<RunReport> {
    const { deadlineMs } = checkStop(options);
    const reason = new AbortedError({ what: `The run of "${this.topic}"` });
    this.#deadline.within(deadlineMs, () => reason);
    if (this.#phase === "running" || this.#phase === "draining") {
      this.#endedBy = "stop";
      this.#halt(reason);
    }
    return this.done;
  }

  readonly #onAbort = (): void => {
    void this.stop();
  };

  #fatal(error: unknown): void {
    if (this.#phase !== "running" && this.#phase !== "draining") return;
    this.#failure ??= { cause: error };
    this.#deadline.within(closeWithinMs, () => error);
    this.#halt(error);
  }

  #halt(reason: unknown): void {
    this.#phase = "stopping";
    this.#halted.abort(reason);
    this.#parts.dispatcher.halt(reason);
    void this.#closeIntake();
  }

  async #closeIntake(): Promise<void> {
    try {
      await this.#parts.intake.close();
    } catch (error) {
      this.#reporter.failed(error);
    }
    this.#exhausted = true;
    this.#pump();
  }

  // ---- it ends

  async #endInTime(): Promise<void> {
    const reason = await this.#deadline.passed;
    if (this.#phase === "closing" || this.#phase === "ended") return;
    this.#parts.dispatcher.halt(reason);
    await this.#close();
  }

  /** Every road leads here, once: continuations, subscriber, report. */
  async #close(): Promise<void> {
    if (this.#phase === "closing" || this.#phase === "ended") return;
    this.#phase = "closing";
    this.#halted.abort();
    const { dispatcher, continuations } = this.#parts;
    const unsettled = Array.from(dispatcher.inFlight, leftDelivery);
    const { stats } = dispatcher;
    await Promise.race([continuations.idle(), this.#deadline.passed]);
    const unfinished = continuations.size;
    this.#parts.stop();
    this.#cutOff?.tell();
    await closeSubscriber(this.#subscriber, this.#clock).catch((error) => this.#reporter.failed(error));
    this.#left = [...unsettled, ...Array.from(dispatcher.abandoned, abandonedDelivery)];
    this.#end({ ...stats, continuations: unfinished, endedBy: this.#endedBy, left: this.#left });
  }

  #end(report: RunReport): void {
    this.#phase = "ended";
    this.#deadline.cancel();
    this.#processHold?.cancel();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#idleWatch.end();
    if (this.#failure) {
      this.#started.reject(this.#failure.cause);
      this.#done.reject(this.#failure.cause);
      return;
    }
    this.#started.resolve();
    this.#done.resolve(report);
  }
}
