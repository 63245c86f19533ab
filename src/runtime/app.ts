import { checkDuration, checkFunction } from "../traits/arguments.ts";
import type { Broker, Connection, ConnectionState } from "../traits/broker.ts";
import { systemClock } from "../traits/clock.ts";
import { InvalidArgumentError, throwIfAborted } from "../traits/errors.ts";
import type { DrainOptions, Run, RunReport, StopOptions } from "./run.ts";
import type { RunStats } from "./stats.ts";

/** "failed": a broker did not connect, a mount did not open, or a run ended with an error. */
export type AppState = "idle" | "starting" | "running" | "draining" | "stopping" | "stopped" | "failed";

/** What a probe asks for: cheap, and true at the moment of the call. */
export interface Health {
  readonly state: AppState;
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
}

/** Any number of brokers and pipelines, started in order and ended together. */
export interface App {
  /** Adds a broker; it is connected at `start`, in the order of these calls. */
  broker<C extends Connection>(broker: Broker<C>): MountedBroker<C>;
  /** Adds a pipeline: `open` subscribes and starts a run, once all brokers are connected, in the order of these calls. */
  mount<C extends Connection>(on: MountedBroker<C>, open: (connection: C) => Promise<Run> | Run): void;
  /** Connects and opens everything. When something fails, all that was started is ended and the error is thrown. */
  start(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Drains every run, then shuts the connections down in reverse order. */
  drain(options?: DrainOptions): Promise<AppReport>;
  /** Stops every run, then shuts the connections down in reverse order. */
  stop(options?: StopOptions): Promise<AppReport>;
  /**
   * `start`, then until every run has ended: by itself, by a signal, by `drain` or by `stop`. When a run ends with an
   * error the others are drained and the error is thrown.
   */
  run(options?: AppRunOptions): Promise<AppReport>;
  readonly health: Health;
}

export function createApp(): App {
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

  get health(): Health {
    return {
      state: this.#state,
      brokers: this.#brokers.map(({ broker, opened }) => ({
        name: broker.name,
        state: opened?.state ?? "idle",
      })),
      runs: this.#runs.map(({ stats }) => stats),
    };
  }

  broker<C extends Connection>(broker: Broker<C>): MountedBroker<C> {
    this.#checkIdle("app.broker()");
    const added = new AppBroker(broker);
    this.#brokers.push(added as unknown as AppBroker<Connection>);
    return added;
  }

  mount<C extends Connection>(on: MountedBroker<C>, open: (connection: C) => Promise<Run> | Run): void {
    this.#checkIdle("app.mount()");
    checkFunction("app.mount(broker, open)", open);
    this.#mounts.push(() => open(on.connection));
  }

  async start({ signal: given }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#checkIdle("app.start()");
    this.#state = "starting";
    const own = this.#startAbort.signal;
    const signal = given ? AbortSignal.any([given, own]) : own;
    try {
      for (const added of this.#brokers) {
        added.opened = await added.broker.connect({ signal });
        throwIfAborted(signal, "app.start()");
      }
      for (const open of this.#mounts) {
        this.#runs.push(await open());
        throwIfAborted(signal, "app.start()");
      }
      this.#state = "running";
    } catch (error) {
      // Also when drain() or stop() ended the app meanwhile: what opened after that is ended here. Ending is idempotent.
      this.#ending ??= this.#end("failed", (run) => run.stop());
      await this.#ending.catch(() => undefined);
      await this.#endAll((run) => run.stop());
      this.#state = "failed";
      throw error;
    }
  }

  drain(options?: DrainOptions): Promise<AppReport> {
    this.#ending ??= this.#end("draining", (run) => run.drain(options));
    return this.#ending;
  }

  stop(options?: StopOptions): Promise<AppReport> {
    if (this.#ending === undefined) this.#ending = this.#end("stopping", (run) => run.stop(options));
    else for (const run of this.#runs) this.#own(run.stop(options));
    return this.#ending;
  }

  async run({
    signals = ["SIGINT", "SIGTERM"],
    deadlineMs = 30_000,
  }: AppRunOptions = {}): Promise<AppReport> {
    checkDuration("app.run: deadlineMs", deadlineMs);
    let received: NodeJS.Signals | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      this.#own(received === undefined ? this.drain({ deadlineMs }) : this.stop());
      received ??= signal;
    };
    for (const name of signals) process.on(name, onSignal);
    // n.b. Node does not wait for signals: with brokers that hold no socket, the process would end while the app is idle.
    const alive = systemClock.schedule(Number.MAX_SAFE_INTEGER, () => undefined);
    try {
      try {
        await this.start();
      } catch (error) {
        if (received === undefined) throw error;
        return { runs: [], signal: received };
      }
      await this.#untilOver();
      const report = await this.drain({ deadlineMs });
      return received === undefined ? report : { ...report, signal: received };
    } finally {
      alive.cancel();
      for (const name of signals) process.off(name, onSignal);
    }
  }

  /** Until every run has ended, or one with an error: then the others are drained first. */
  async #untilOver(): Promise<void> {
    try {
      await Promise.all(this.#runs.map(({ done }) => done));
    } catch (error) {
      this.#own(this.drain());
      await this.#ending?.catch(() => undefined);
      throw error;
    }
  }

  async #end(state: AppState, end: (run: Run) => Promise<RunReport>): Promise<AppReport> {
    this.#state = state;
    this.#startAbort.abort();
    const ended = await this.#endAll(end);
    const failure = ended.find((result) => result.status === "rejected");
    this.#state = failure || state === "failed" ? "failed" : "stopped";
    if (failure) throw failure.reason;
    return { runs: ended.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])) };
  }

  async #endAll(end: (run: Run) => Promise<RunReport>): Promise<PromiseSettledResult<RunReport>[]> {
    const ended = await Promise.allSettled(this.#runs.map(end));
    for (const { opened } of this.#brokers.toReversed()) await opened?.shutdown();
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
