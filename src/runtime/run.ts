import { checkDuration } from "../traits/arguments.ts";
import { type Clock, sleep } from "../traits/clock.ts";
import { deferred } from "../traits/deferred.ts";
import { AbortedError, TimeoutError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { Continuations } from "./continuations.ts";
import { Deadline } from "./deadline.ts";
import type { Delivery } from "./delivery.ts";
import { type DispatchConfig, Dispatcher } from "./dispatch.ts";
import { Intake } from "./intake.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { Reporter } from "./report.ts";
import type { RunStats } from "./stats.ts";

/** A delivery that was not settled when its run ended. It goes back to the broker. */
export interface LeftDelivery {
  readonly topic: string;
  readonly key: string | undefined;
  readonly attempt: number;
  /** "running": its handler had not returned. */
  readonly state: "waiting" | "running" | "settling";
}

/** How a run ended. */
export interface RunReport extends RunStats {
  /** "end": the subscription ended by itself. */
  readonly endedBy: "end" | "drain" | "stop";
  readonly left: readonly LeftDelivery[];
}

export interface DrainOptions {
  /** Milliseconds for what is in flight; then the rest goes back unsettled. @default 30_000 */
  readonly deadlineMs?: number;
  /** Makes the deadline now. */
  readonly signal?: AbortSignal;
}

export interface StopOptions {
  /** Milliseconds for handlers that are running, whose signals have aborted. @default 5_000 */
  readonly deadlineMs?: number;
}

/** A pipeline at work. */
export interface Run {
  /**
   * Settles when the run is over and its subscriber closed. Rejects with what ended the subscription, with `KeyError`, or
   * with the `InvalidMessageError` of a dead letter that cannot be carried; a rejection nobody awaits has been reported and
   * does not end the process.
   */
  readonly done: Promise<RunReport>;
  readonly stats: RunStats;
  /**
   * Pulls no more, lets what is in flight settle until the deadline, then closes the subscriber. Called again, or after
   * a `stop`, it is the same end, and the earliest deadline counts; `stop` may cut it short. A handler may call it, and
   * one that awaits it waits for itself, until the deadline.
   */
  drain(options?: DrainOptions): Promise<RunReport>;
  /**
   * Pulls and starts no more, aborts the signals of running handlers, waits for them until the deadline, then closes the
   * subscriber. What a handler decides meanwhile (ack, drop, dead letter) is carried out; everything else goes back. Of
   * several deadlines, those of a drain included, the earliest counts. A handler may call it, and one that awaits it
   * waits for itself, until the deadline.
   */
  stop(options?: StopOptions): Promise<RunReport>;
}

/** How long closing the subscriber may take before the run ends without it. */
const closeWithinMs = 5_000;

type Phase = "running" | "draining" | "stopping" | "closing" | "ended";

export interface RunConfig<M extends Message, Value>
  extends Omit<DispatchConfig<M, Value>, "continued" | "changed" | "fatal"> {
  readonly subscriber: Subscriber<M>;
  readonly signal: AbortSignal | undefined;
  readonly reporter: Reporter<M>;
}

/** Ties intake and dispatcher together and takes them through the life of a run. */
export class ActiveRun<M extends Message, Value> implements Run {
  readonly done: Promise<RunReport>;
  readonly #done = deferred<RunReport>();
  readonly #subscriber: Subscriber<M>;
  readonly #clock: Clock;
  readonly #reporter: Reporter<M>;
  readonly #dispatcher: Dispatcher<M, Value>;
  readonly #intake: Intake<M>;
  readonly #continuations: Continuations<M>;
  readonly #keepAlive: KeepAlive<M> | undefined;
  readonly #signal: AbortSignal | undefined;

  /** Only moves forward: running, draining, stopping, closing, ended; phases may be skipped. */
  #phase: Phase = "running";
  #endedBy: RunReport["endedBy"] = "end";
  /** What `done` rejects with. */
  #failure: { readonly cause: unknown } | undefined;
  /** Nothing more comes in: the subscription ended, or the intake was closed and has said so. */
  #exhausted = false;
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
    this.done = this.#done.promise;
    this.done.catch(() => undefined);
    const failed = (error: unknown, message: M): void => reporter.failed(error, message);
    this.#continuations = new Continuations<M>(failed, () => this.#pump());
    this.#dispatcher = new Dispatcher<M, Value>({
      ...config,
      continued: (delivery, settlement) => this.#continuations.start(delivery, settlement),
      changed: () => this.#pump(),
      fatal: (error) => this.#fatal(error),
    });
    const { ackDeadlineMs } = subscriber.capabilities;
    if (ackDeadlineMs !== undefined) {
      this.#keepAlive = new KeepAlive(this.#dispatcher.inFlight, clock, ackDeadlineMs, failed);
    }
    this.#intake = this.#openIntake(config);
    void this.#endInTime();
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#signal?.aborted) this.#onAbort();
    // Not before the caller has the run: a handler may be called at once, and may end it.
    else queueMicrotask(() => this.#pump());
  }

  get stats(): RunStats {
    return { ...this.#dispatcher.stats, continuations: this.#continuations.size };
  }

  drain({ deadlineMs = 30_000, signal }: DrainOptions = {}): Promise<RunReport> {
    checkDuration("drain: deadlineMs", deadlineMs);
    const what = `The drain of "${this.#subscriber.topic}"`;
    this.#deadline.within(deadlineMs, () => new TimeoutError({ what, timeoutMs: deadlineMs }));
    if (signal) this.#expireOn(signal, what);
    if (this.#phase === "running") {
      this.#phase = "draining";
      this.#endedBy = "drain";
      void this.#closeIntake();
    }
    return this.done;
  }

  stop({ deadlineMs = 5_000 }: StopOptions = {}): Promise<RunReport> {
    checkDuration("stop: deadlineMs", deadlineMs);
    const reason = new AbortedError({ what: `The run of "${this.#subscriber.topic}"` });
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
          if (error) this.#reporter.failed(error.cause);
        },
      },
      config.selector?.readsValue && config.decode ? 1 : Number.POSITIVE_INFINITY,
    );
  }

  #fatal(error: unknown): void {
    if (this.#phase !== "running" && this.#phase !== "draining") return;
    this.#failure ??= { cause: error };
    this.#deadline.within(closeWithinMs, () => error);
    this.#halt(error);
  }

  #halt(reason: unknown): void {
    this.#phase = "stopping";
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
      if (this.#phase === "running" && this.#intake.takeSome()) this.#news = true;
    }
    this.#pumping = false;
    if (this.#phase === "closing" || this.#phase === "ended") return;
    if (this.#dispatcher.inFlight.size > 0) this.#keepAlive?.arm();
    if (this.#exhausted && this.#isDone()) void this.#close();
  }

  /** Whether all is done that will be: a stop waits for what is active, everything else for all that is in flight. */
  #isDone(): boolean {
    return this.#phase === "stopping" ? this.#dispatcher.active === 0 : this.#dispatcher.inFlight.size === 0;
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
    const left = Array.from(this.#dispatcher.inFlight, leftDelivery);
    const stats = this.#dispatcher.stats;
    await Promise.race([this.#continuations.idle(), this.#deadline.passed]);
    const continuations = this.#continuations.size;
    this.#continuations.clear();
    this.#keepAlive?.stop();
    await this.#closeSubscriber();
    this.#phase = "ended";
    this.#deadline.cancel();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (this.#failure) this.#done.reject(this.#failure.cause);
    else this.#done.resolve({ ...stats, continuations, endedBy: this.#endedBy, left });
  }

  async #closeSubscriber(): Promise<void> {
    const giveUp = new AbortController();
    try {
      const late = sleep(this.#clock, closeWithinMs, giveUp.signal).then(() => {
        throw new TimeoutError({
          what: `Closing the subscriber of "${this.#subscriber.topic}"`,
          timeoutMs: closeWithinMs,
        });
      });
      late.catch(() => undefined);
      await Promise.race([this.#subscriber.close(), late]);
    } catch (error) {
      this.#reporter.failed(error);
    } finally {
      giveUp.abort();
    }
  }
}

function leftDelivery(delivery: Delivery): LeftDelivery {
  const { topic, key, attempt, phase } = delivery;
  return { topic, key, attempt, state: phase === "running" || phase === "settling" ? phase : "waiting" };
}
