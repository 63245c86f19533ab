import { checkDuration, checkFunction } from "../traits/arguments.ts";
import type { Broker, Connection, ConnectionState } from "../traits/broker.ts";
import { systemClock } from "../traits/clock.ts";
import { AbortedError, InvalidArgumentError, isTidelaneError, throwIfAborted } from "../traits/errors.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import { mostUnfinished } from "./continuations.ts";
import { exitNextTurn, nameLeft } from "./left-handlers.ts";
import {
  type DrainOptions,
  drainNames,
  type LeftDelivery,
  type Run,
  type RunReport,
  type StopOptions,
  stopNames,
} from "./run.ts";
import { factsOf } from "./run-facts.ts";
import type { RunStats } from "./stats.ts";
import { messageOf } from "./thrown.ts";

/** "failed": a broker did not connect, a mount did not open, or a run ended with an error. */
export type AppState = "idle" | "starting" | "running" | "draining" | "stopping" | "stopped" | "failed";

/** An answer to a probe. */
export interface Probe {
  readonly ok: boolean;
  /** A sentence for each thing that is wrong, with the broker or the topic; empty when `ok`. */
  readonly reasons: readonly string[];
}

/** What a probe asks for: cheap, and true at the moment of the call. */
export interface Health {
  readonly state: AppState;
  /** Not when the app has failed, or a run has ended with an error: only a new start helps. */
  readonly live: Probe;
  /**
   * Not before the app runs, nor when it ends, is not live, has no connection to a broker, or has a run whose intake has
   * stalled or whose settles and dead letters fail (`RunStats.stalled`, `blocked`).
   */
  readonly ready: Probe;
  readonly brokers: readonly { readonly name: string; readonly state: ConnectionState | "idle" }[];
  readonly runs: readonly RunStats[];
}

/** A broker of an app. Its connection exists from `start` on. */
export interface MountedBroker<C extends Connection> {
  readonly broker: Broker<C>;
  /** Throws `InvalidArgumentError` before the app has connected it. */
  readonly connection: C;
}

export interface AppReport {
  readonly runs: readonly RunReport[];
  /** The signal that ended `run()`, if one did. */
  readonly signal?: NodeJS.Signals;
}

export interface AppRunOptions {
  /** The first of them drains, the second stops. @default ["SIGINT", "SIGTERM"] */
  readonly signals?: readonly NodeJS.Signals[];
  /** For the drain after the first signal, in milliseconds. @default 30_000 */
  readonly deadlineMs?: number;
  /**
   * A handler that has not returned when the app has ended may keep the process alive; a warning names it. `true` ends the
   * process then, with exit code 1. @default false
   */
  readonly exitOnStop?: boolean;
}

export interface AppStartOptions {
  readonly signal?: AbortSignal;
}

const startNames = optionNames<AppStartOptions>()({ signal: true });
const runNames = optionNames<AppRunOptions>()({ signals: true, deadlineMs: true, exitOnStop: true });

/** Any number of brokers and pipelines, started in order and ended together. */
export interface App {
  /** Adds a broker; it is connected at `start`, in the order of these calls. */
  broker<C extends Connection>(broker: Broker<C>): MountedBroker<C>;
  /** Adds a pipeline: `open` subscribes and starts a run, once all brokers are connected, in the order of these calls. */
  mount<C extends Connection>(on: MountedBroker<C>, open: (connection: C) => Promise<Run> | Run): void;
  /**
   * Connects and opens everything. When something fails, all that was started is ended and the error is thrown. `signal`,
   * `drain` and `stop` take a start back: it rejects with `AbortedError`, and what a broker or a mount that did not heed
   * that gives later is ended then. A connect that fails has a stack of one line, its sentence: that is what Node prints.
   */
  start(options?: AppStartOptions): Promise<void>;
  /**
   * Drains every run, then shuts the connections down in reverse order. Rejects with the error of a run that ended with
   * one, when all is ended. Called again it is the same end, and the earliest deadline counts.
   */
  drain(options?: DrainOptions): Promise<AppReport>;
  /** Stops every run, then shuts the connections down in reverse order. Rejects as `drain` does. */
  stop(options?: StopOptions): Promise<AppReport>;
  /**
   * `start`, then until every run has ended: by itself, by a signal, by `drain` or by `stop`. When a run ends with an
   * error the others are drained and the error is thrown. A warning names handlers that have not returned by then.
   */
  run(options?: AppRunOptions): Promise<AppReport>;
  readonly health: Health;
}

export function createApp(): App;
export function createApp(given?: unknown): App {
  checkOptionNames("createApp()", given, {});
  return new RunningApp();
}

class AppBroker<C extends Connection> implements MountedBroker<C> {
  readonly broker: Broker<C>;
  opened: C | undefined;

  constructor(broker: Broker<C>) {
    this.broker = broker;
  }

  get connection(): C {
    if (this.opened) return this.opened;
    throw new InvalidArgumentError({
      argument: `app.broker("${this.broker.name}").connection`,
      expected: "read after app.start()",
      received: undefined,
    });
  }
}

class RunningApp implements App {
  readonly #brokers: AppBroker<Connection>[] = [];
  readonly #mounts: (() => Promise<Run> | Run)[] = [];
  readonly #runs: Run[] = [];
  #state: AppState = "idle";
  /** The first end wins; later calls get its promise. */
  #ending: Promise<AppReport> | undefined;
  /** Takes a start that is under way back. */
  readonly #startAbort = new AbortController();
  /** `drain` or `stop` took the start back: it did not fail. */
  #recalled = false;
  /** Why the app has failed, or is about to: a sentence for each run that ended with an error, or for the start. */
  readonly #failures: string[] = [];
  /** What the runs left that are over, those too that ended with an error. */
  readonly #left: LeftDelivery[] = [];

  get health(): Health {
    const state = this.#failures.length > 0 && this.#state === "running" ? "failed" : this.#state;
    const notReady = [...this.#failures];
    if (state !== "running" && state !== "failed") notReady.push(`The app is ${state}.`);
    for (const { broker, opened } of this.#brokers) {
      const connection = opened?.state ?? "not open yet";
      if (connection !== "open") notReady.push(`The connection to "${broker.name}" is ${connection}.`);
    }
    for (const run of this.#runs) {
      const { topic, stats } = run;
      const asksFor = factsOf(run)?.asksFor();
      if (asksFor !== undefined) {
        notReady.push(
          `The run of "${topic}" has not begun: its publisher has not said whether dead letters can go to "${asksFor}".`,
        );
      }
      const { stalled, inFlight, retrying, blocked, continuations } = stats;
      if (stalled) {
        const why =
          continuations < mostUnfinished
            ? `${retrying + blocked} of ${inFlight} in flight failed and are retried, and the others wait`
            : `${continuations} pieces of work given to afterSettle() have not finished`;
        notReady.push(`The run of "${topic}" pulls nothing: ${why}.`);
      }
      if (blocked > 0) {
        notReady.push(
          `${blocked} deliveries of "${topic}" are blocked: settling them, or publishing their dead letter, failed and is tried again.`,
        );
      }
    }
    return {
      state,
      live: probe(this.#failures),
      ready: probe(notReady),
      brokers: this.#brokers.map(({ broker, opened }) => ({
        name: broker.name,
        state: opened?.state ?? "idle",
      })),
      runs: this.#runs.map(({ stats }) => stats),
    };
  }

  broker<C extends Connection>(broker: Broker<C>): MountedBroker<C> {
    this.#checkIdle("app.broker()");
    checkFunction("app.broker(broker): broker.connect", broker?.connect);
    const added = new AppBroker(broker);
    this.#brokers.push(added as unknown as AppBroker<Connection>);
    return added;
  }

  mount<C extends Connection>(on: MountedBroker<C>, open: (connection: C) => Promise<Run> | Run): void {
    this.#checkIdle("app.mount()");
    checkFunction("app.mount(broker, open)", open);
    this.#mounts.push(async () => checkRun(await open(on.connection)));
  }

  async start(options: AppStartOptions = {}): Promise<void> {
    checkOptionNames("app.start(options)", options, startNames);
    const { signal: given } = options;
    this.#checkIdle("app.start()");
    this.#state = "starting";
    const own = this.#startAbort.signal;
    const signal = given ? AbortSignal.any([given, own]) : own;
    try {
      for (const added of this.#brokers) {
        const connecting = added.broker.connect({ signal });
        added.opened = await unlessAborted(signal, connecting, (late) => late.shutdown());
        throwIfAborted(signal, "app.start()");
      }
      for (const open of this.#mounts) {
        this.#add(await unlessAborted(signal, open(), (late) => late.stop()));
        throwIfAborted(signal, "app.start()");
      }
      await unlessAborted(
        signal,
        Promise.all(this.#runs.map(({ started }) => started)),
        async () => undefined,
      );
      throwIfAborted(signal, "app.start()");
      this.#state = "running";
    } catch (error) {
      if (!this.#recalled && this.#failures.length === 0) this.#failures.push(messageOf(error));
      // The frames are all of this library's: what helps is in the sentence, and what the socket said in the cause.
      if (isTidelaneError(error, "TIDELANE_CONNECT_FAILED")) error.stack = String(error);
      // Also when drain() or stop() ended the app meanwhile: what opened after that is ended here. Ending is idempotent.
      this.#ending ??= this.#end("failed", (run) => run.stop());
      await this.#ending.catch(() => undefined);
      await this.#endAll((run) => run.stop());
      if (!this.#recalled) this.#state = "failed";
      throw error;
    }
  }

  drain(options: DrainOptions = {}): Promise<AppReport> {
    checkOptionNames("app.drain(options)", options, drainNames);
    if (options.deadlineMs !== undefined) checkDuration("drain: deadlineMs", options.deadlineMs);
    return this.#endOrJoin("draining", (run) => run.drain(options));
  }

  stop(options: StopOptions = {}): Promise<AppReport> {
    checkOptionNames("app.stop(options)", options, stopNames);
    if (options.deadlineMs !== undefined) checkDuration("stop: deadlineMs", options.deadlineMs);
    return this.#endOrJoin("stopping", (run) => run.stop(options));
  }

  async run(options: AppRunOptions = {}): Promise<AppReport> {
    checkOptionNames("app.run(options)", options, runNames);
    const { signals = ["SIGINT", "SIGTERM"], deadlineMs = 30_000, exitOnStop = false } = options;
    checkDuration("app.run: deadlineMs", deadlineMs);
    this.#checkIdle("app.run()");
    let received: NodeJS.Signals | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      this.#own(received === undefined ? this.drain({ deadlineMs }) : this.stop());
      received ??= signal;
    };
    // n.b. Node does not wait for signals: with brokers that hold no socket, the process would end while the app is idle.
    const alive = systemClock.schedule(Number.MAX_SAFE_INTEGER, () => undefined);
    try {
      for (const name of signals) process.on(name, onSignal);
      const report = await this.#untilOver(deadlineMs);
      if (nameLeft(this.#left) && exitOnStop) await exitNextTurn();
      return received === undefined ? report : { ...report, signal: received };
    } catch (error) {
      // The caller gets the error first, and has this turn to write it down.
      if (nameLeft(this.#left) && exitOnStop) void exitNextTurn();
      throw error;
    } finally {
      alive.cancel();
      for (const name of signals) process.off(name, onSignal);
    }
  }

  /** Starts, and waits until every run has ended, or one with an error: then the others are drained first. */
  async #untilOver(deadlineMs: number): Promise<AppReport> {
    try {
      await this.start();
      await Promise.all(this.#runs.map(({ done }) => done));
    } catch (error) {
      await (this.#ending ?? this.drain({ deadlineMs })).catch(() => undefined);
      if (!this.#recalled) throw error;
    }
    return this.#ending ?? this.drain({ deadlineMs });
  }

  #add(run: Run): void {
    this.#runs.push(run);
    run.done.then(
      ({ left }) => this.#left.push(...left),
      (error) => {
        this.#left.push(...(factsOf(run)?.left() ?? []));
        this.#failures.push(`The run of "${run.topic}" ended: ${messageOf(error)}`);
      },
    );
  }

  #endOrJoin(state: AppState, end: (run: Run) => Promise<RunReport>): Promise<AppReport> {
    if (this.#ending === undefined) this.#ending = this.#end(state, end);
    else for (const run of this.#runs) this.#own(end(run));
    return this.#ending;
  }

  async #end(state: AppState, end: (run: Run) => Promise<RunReport>): Promise<AppReport> {
    this.#recalled = this.#state === "starting" && state !== "failed";
    this.#state = state;
    this.#startAbort.abort();
    const ended = await this.#endAll(end);
    const failure = ended.find((result) => result.status === "rejected");
    this.#state = failure || state === "failed" ? "failed" : "stopped";
    if (failure) {
      if (this.#failures.length === 0) this.#failures.push(messageOf(failure.reason));
      throw failure.reason;
    }
    return {
      runs: ended.flatMap((result) => (result.status === "fulfilled" && result.value ? [result.value] : [])),
    };
  }

  /** Every connection is asked to shut down, whatever became of the runs and of the other connections. */
  async #endAll(
    end: (run: Run) => Promise<RunReport>,
  ): Promise<PromiseSettledResult<RunReport | undefined>[]> {
    const ended: PromiseSettledResult<RunReport | undefined>[] = await Promise.allSettled(
      this.#runs.map((run) => endFully(run, end)),
    );
    for (const { opened } of this.#brokers.toReversed()) {
      if (opened) ended.push(...(await Promise.allSettled([opened.shutdown().then(() => undefined)])));
    }
    return ended;
  }

  /** A rejection that reaches its caller another way. */
  #own(promise: Promise<unknown>): void {
    promise.catch(() => undefined);
  }

  #checkIdle(what: string): void {
    if (this.#state === "idle") return;
    throw new InvalidArgumentError({
      argument: what,
      expected: "called before the app starts, once",
      received: this.#state,
    });
  }
}

/**
 * A drain rejects before its run is over when a clock stands still. Then the run is stopped: a run that outlived its
 * connection could not give back what it holds.
 */
async function endFully(run: Run, end: (run: Run) => Promise<RunReport>): Promise<RunReport> {
  try {
    return await end(run);
  } catch (error) {
    await run.stop().catch(() => undefined);
    throw error;
  }
}

/** A forgotten `return` would leave a run that nobody drains. */
function checkRun(given: Run): Run {
  if (typeof given?.stop === "function") return given;
  throw new InvalidArgumentError({
    argument: "app.mount(broker, open): the result of open",
    expected: "the run that pipeline(...).handle(...) returns",
    received: given,
  });
}

function probe(reasons: readonly string[]): Probe {
  return { ok: reasons.length === 0, reasons: [...reasons] };
}

/** What `work` gives; when `signal` fires first it rejects, and `late` ends what comes after that. */
function unlessAborted<T>(
  signal: AbortSignal,
  work: Promise<T> | T,
  late: (given: T) => Promise<unknown>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new AbortedError({ what: "app.start()", cause: signal.reason }));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    const settle = async (): Promise<void> => {
      try {
        const given = await work;
        resolve(given);
        if (signal.aborted) await late(given);
      } catch (error) {
        reject(error);
      } finally {
        signal.removeEventListener("abort", onAbort);
      }
    };
    void settle();
  });
}
