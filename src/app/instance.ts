import { exitNextTurn, nameLeft } from "../runtime/left-handlers.ts";
import type { DrainOptions, LeftDelivery, Run, RunReport, StopOptions } from "../runtime/run.ts";
import { factsOf } from "../runtime/run-facts.ts";
import { messageOf } from "../runtime/thrown.ts";
import type { Connection } from "../traits/broker.ts";
import { sleep, systemClock } from "../traits/clock.ts";
import {
  ConnectFailedError,
  ConnectionClosedError,
  InvalidArgumentError,
  isTidelaneError,
  throwIfAborted,
} from "../traits/errors.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import type { AppDefinition, MountPlan, SubscriptionPlan } from "./definition.ts";
import type { Environment } from "./environment.ts";
import { type AppState, type Health, healthOf } from "./health.ts";
import type { HookContext } from "./hooks.ts";
import { Outbound } from "./outbound.ts";
import { serve } from "./serve.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** How an app ended. */
export interface AppReport {
  readonly runs: readonly RunReport[];
  /** The signal that ended `run()`, if one did. */
  readonly signal?: NodeJS.Signals;
}

/** Options of `app.start(options)`. */
export interface AppStartOptions {
  /** Cancels the start when it aborts. */
  readonly signal?: AbortSignal;
}

/** Options of `app.run(options)`. */
export interface AppRunOptions {
  /** The first of these signals drains the app, the second stops it. @default ["SIGINT", "SIGTERM"] */
  readonly signals?: readonly NodeJS.Signals[];
  /** How long the drain after the first signal may take, in milliseconds. @default 30_000 */
  readonly deadlineMs?: number;
  /**
   * If a handler has not returned when the app has ended, it may keep the process alive, and a warning names it.
   * `true`: the process then ends with exit code 1. @default false
   */
  readonly exitOnStop?: boolean;
}

/** One life of an app: connected, running, ended. A definition has one in production, and one for each test. */
export class Instance {
  readonly outbound: Outbound;
  readonly #definition: AppDefinition;
  readonly #environment: Environment;
  readonly #connections = new Map<string, Connection>();
  readonly #runs: Run[] = [];
  /** Of these, those that answer requests: handlers that are drained may still ask them. */
  readonly #responders = new Set<Run>();
  #state: AppState = "idle";
  /** What `onStart` returned; there once it has. */
  #made: { readonly value: unknown } | undefined;
  /** The first end wins; later calls get its promise. */
  #ending: Promise<AppReport> | undefined;
  /** Takes a start that is under way back. */
  readonly #startAbort = new AbortController();
  /** A stop does not wait for `onDrain`. */
  readonly #hurry = new AbortController();
  /** `drain` or `stop` took the start back: it did not fail. */
  #recalled = false;
  /** Why the app has failed, or is about to: a sentence for each run that ended with an error, or for the start. */
  readonly #failures: string[] = [];
  /** What the runs left that are over, those too that ended with an error. */
  readonly #left: LeftDelivery[] = [];

  constructor(definition: AppDefinition, environment: Environment) {
    this.#definition = definition;
    this.#environment = environment;
    this.outbound = new Outbound(definition, environment);
  }

  get state(): AppState {
    return this.#state;
  }

  /** What `onStart` returned. */
  get appState(): unknown {
    return this.#made?.value;
  }

  get runs(): readonly Run[] {
    return this.#runs;
  }

  get health(): Health {
    const brokers = Array.from(this.#environment.brokers, ([name]) => ({
      name,
      state: this.#connections.get(name)?.state ?? ("idle" as const),
    }));
    return healthOf({ state: this.#state, failures: this.#failures, brokers, runs: this.#runs });
  }

  connection(name: string): Connection {
    const connection = this.#connections.get(name);
    if (connection !== undefined) return connection;
    throw new InvalidArgumentError({
      argument: `app.connection("${name}")`,
      expected: "called after app.start()",
      received: `a call while the app is ${this.#state}`,
    });
  }

  async start({ signal: given }: AppStartOptions = {}): Promise<void> {
    this.#checkIdle("app.start()");
    this.#definition.frozen = true;
    this.#state = "starting";
    const own = this.#startAbort.signal;
    const signal = given ? AbortSignal.any([given, own]) : own;
    try {
      await this.#makeState(signal);
      await this.#connect(signal);
      await this.#open(signal);
      const started = Promise.all(this.#runs.map((run) => run.started.catch((error) => nameRun(run, error))));
      await unlessAborted(signal, started, async () => undefined);
      throwIfAborted(signal, "app.start()");
      const ready = this.#definition.hooks.onReady?.(this.#hookContext());
      if (ready !== undefined) await unlessAborted(signal, ready, async () => undefined);
      throwIfAborted(signal, "app.start()");
      this.#state = "running";
    } catch (error) {
      await this.#undo(error);
      throw error;
    }
  }

  drain(options: DrainOptions = {}): Promise<AppReport> {
    const { deadlineMs = 30_000 } = options;
    const { clock } = this.#environment;
    const until = clock.now() + deadlineMs;
    // Of responders, and after a hook: what is left of the time.
    const end = (run: Run): Promise<RunReport> =>
      run.drain({ ...options, deadlineMs: Math.max(0, Math.min(deadlineMs, until - clock.now())) });
    return this.#endOrJoin("draining", end, deadlineMs);
  }

  stop(options: StopOptions = {}): Promise<AppReport> {
    return this.#endOrJoin("stopping", (run) => run.stop(options), options.deadlineMs ?? 5_000);
  }

  async run({
    signals = ["SIGINT", "SIGTERM"],
    deadlineMs = 30_000,
    exitOnStop = false,
  }: AppRunOptions): Promise<AppReport> {
    this.#checkIdle("app.run()");
    let received: NodeJS.Signals | undefined;
    const onSignal = (signal: NodeJS.Signals): void => {
      own(received === undefined ? this.drain({ deadlineMs }) : this.stop());
      received ??= signal;
    };
    // A signal handler does not keep Node alive. Without this timer the process would end, if no broker holds a socket.
    const alive = systemClock.schedule(Number.MAX_SAFE_INTEGER, () => undefined);
    try {
      for (const name of signals) process.on(name, onSignal);
      const report = await this.#untilOver(deadlineMs);
      if (nameLeft(this.#left) && exitOnStop) await exitNextTurn();
      return received === undefined ? report : { ...report, signal: received };
    } catch (error) {
      // The caller gets the error first, and has this turn to write it down.
      if (nameLeft(this.#left) && exitOnStop) void exitNextTurn();
      // Also where the caller only logs it: a service that could not run has failed.
      process.exitCode ??= 1;
      throw error;
    } finally {
      alive.cancel();
      for (const name of signals) process.off(name, onSignal);
    }
  }

  // ---- start

  async #makeState(signal: AbortSignal): Promise<void> {
    const { hooks } = this.#definition;
    if (this.#environment.state !== undefined) this.#made = this.#environment.state;
    else if (hooks.onStart !== undefined) {
      const late = async (state: unknown): Promise<void> => hooks.onStop?.({ state });
      this.#made = { value: await unlessAborted(signal, hooks.onStart({ signal }), late) };
    } else this.#made = { value: undefined };
    throwIfAborted(signal, "app.start()");
  }

  async #connect(signal: AbortSignal): Promise<void> {
    for (const [name, broker] of this.#environment.brokers) {
      const connecting = broker.connect({ signal }).catch(adviseToWait);
      const connection = await unlessAborted(signal, connecting, (late) => late.close());
      this.#connections.set(name, connection);
      this.outbound.connected(name, connection);
      throwIfAborted(signal, "app.start()");
    }
  }

  /** Opens every subscription before any handler runs: what a handler publishes finds its subscription there. */
  async #open(signal: AbortSignal): Promise<void> {
    const { plans, replies } = this.#definition;
    const opened = new Map<SubscriptionPlan, Subscriber>();
    for (const plan of this.#definition.subscriptions) {
      const opening = this.#environment.sourceOf(plan).open(this.connection(plan.broker));
      opened.set(plan, await unlessAborted(signal, opening, (late) => late.close()));
      throwIfAborted(signal, "app.start()");
    }
    if (replies.source !== undefined && this.#environment.observer === undefined) {
      const [first] = this.#environment.brokers.keys();
      if (first !== undefined) await this.outbound.openInbox(first);
    }
    for (const plan of plans) {
      if ("channel" in plan) this.#serve(plan, opened.get(plan) as Subscriber);
      else await this.#mount(plan, signal);
      throwIfAborted(signal, "app.start()");
    }
  }

  #serve(plan: SubscriptionPlan, subscriber: Subscriber): void {
    const run = serve(plan, subscriber, this.#made?.value, this.outbound, this.#environment);
    if (plan.rpc !== undefined) this.#responders.add(run);
    this.#add(run);
  }

  async #mount({ broker, open }: MountPlan, signal: AbortSignal): Promise<void> {
    const opening = async (): Promise<Run> => checkRun(await open(this.connection(broker)));
    this.#add(await unlessAborted(signal, opening(), (late) => late.stop()));
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

  #hookContext(): HookContext<unknown, string> {
    const { publishMiddleware: layers, prefix } = this.#definition.root;
    const sending = this.outbound.of({ broker: undefined, prefix, layers, from: undefined });
    return { state: this.#made?.value, ...sending };
  }

  /** Ends what was started, in reverse. */
  async #undo(error: unknown): Promise<void> {
    if (!this.#recalled && this.#failures.length === 0) this.#failures.push(messageOf(error));
    // The frames are all of this library's: what helps is in the sentence, and what the socket said in the cause.
    if (isTidelaneError(error, "TIDELANE_CONNECT_FAILED")) error.stack = String(error);
    // Also when drain() or stop() ended the app meanwhile: what opened after that is ended here. Ending is idempotent.
    this.#ending ??= this.#end("failed", (run) => run.stop(), 0);
    await this.#ending.catch(() => undefined);
    await this.#endAll((run) => run.stop());
    if (!this.#recalled) this.#state = "failed";
  }

  // ---- end

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

  #endOrJoin(state: AppState, end: (run: Run) => Promise<RunReport>, deadlineMs: number): Promise<AppReport> {
    if (this.#ending === undefined) this.#ending = this.#end(state, end, deadlineMs);
    else for (const run of this.#runs) own(end(run));
    if (state === "stopping") this.#hurry.abort();
    return this.#ending;
  }

  async #end(state: AppState, end: (run: Run) => Promise<RunReport>, deadlineMs: number): Promise<AppReport> {
    const wasRunning = this.#state === "running";
    this.#recalled = this.#state === "starting" && state !== "failed";
    this.#state = state;
    const ended: PromiseSettledResult<RunReport | undefined>[] = [];
    const { onDrain } = this.#definition.hooks;
    if (wasRunning && onDrain !== undefined) ended.push(await this.#hook(onDrain, deadlineMs));
    this.#startAbort.abort();
    ended.push(...(await this.#endAll(end)), ...(await this.#release()));
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

  /** A hook that takes longer than the deadline is not waited for. */
  async #hook(
    hook: (context: HookContext<unknown, string>) => void | Promise<void>,
    deadlineMs: number,
  ): Promise<PromiseSettledResult<undefined>> {
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, this.#hurry.signal]);
    const run = async (): Promise<void> => hook(this.#hookContext());
    const late = sleep(this.#environment.clock, deadlineMs, signal).catch(() => undefined);
    const [result] = await Promise.allSettled([Promise.race([run(), late]).then(() => undefined)]);
    over.abort();
    return result;
  }

  /** Every connection is asked to shut down, whatever became of the runs and of the other connections. */
  async #endAll(
    end: (run: Run) => Promise<RunReport>,
  ): Promise<PromiseSettledResult<RunReport | undefined>[]> {
    // Handlers that are drained may still ask, so responders end after them; the time is the same for all.
    const asked = this.#runs.filter((run) => !this.#responders.has(run)).map((run) => endFully(run, end));
    if (this.#state === "draining") await Promise.allSettled(asked);
    const ended: PromiseSettledResult<RunReport | undefined>[] = await Promise.allSettled(
      this.#runs.map((run) => (this.#responders.has(run) ? endFully(run, end) : asked.shift())),
    );
    await this.outbound.close();
    for (const connection of [...this.#connections.values()].reverse()) {
      ended.push(...(await Promise.allSettled([connection.close().then(() => undefined)])));
    }
    return ended;
  }

  /** What `onStart` made, once. */
  async #release(): Promise<PromiseSettledResult<undefined>[]> {
    const { onStop } = this.#definition.hooks;
    const made = this.#made;
    this.#made = undefined;
    if (made === undefined || onStop === undefined || this.#environment.state !== undefined) return [];
    const release = async (): Promise<undefined> => {
      await onStop({ state: made.value });
    };
    return Promise.allSettled([release()]);
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

/** The connection was lost before the run began: nothing in its error says whose it was. */
function nameRun({ topic }: Run, cause: unknown): never {
  if (!isTidelaneError(cause, "TIDELANE_CONNECTION_CLOSED")) throw cause;
  const during = `Asking whether dead letters of "${topic}" can be published`;
  throw new ConnectionClosedError({ broker: (cause as ConnectionClosedError).broker, during, cause });
}

/** Servers often come up after the services that use them. */
function adviseToWait(error: unknown): never {
  if (!isTidelaneError(error, "TIDELANE_CONNECT_FAILED") || !error.retryable) throw error;
  const { broker, reason, cause } = error as ConnectFailedError;
  const advice = "to wait until it can be reached, set connect: { waitMs } of the broker";
  throw new ConnectFailedError({ broker, reason: `${reason}; ${advice}`, retryable: true, cause });
}

/** A rejection that reaches its caller another way. */
function own(promise: Promise<unknown>): void {
  promise.catch(() => undefined);
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
    argument: "app.mount(open): the result of open",
    expected: "the run that pipeline(...).handle(...) returns",
    received: given,
  });
}
