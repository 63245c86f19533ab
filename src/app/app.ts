import type { ErrorListener } from "../runtime/report.ts";
import { type DrainOptions, drainNames, type Run, type StopOptions, stopNames } from "../runtime/run.ts";
import { checkDuration, checkFunction, checkName, checkObject, checkSignal } from "../traits/arguments.ts";
import type { Broker, Connection } from "../traits/broker.ts";
import type { Clock } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../traits/option-names.ts";
import type { BrokerAt, BrokerName, Brokers, ConnectionOf } from "./brokers.ts";
import { AppDefinition } from "./definition.ts";
import { type AppDescription, describe } from "./describe.ts";
import { ownEnvironment } from "./environment.ts";
import type { Health } from "./health.ts";
import { type AppHooks, checkHooks, type Hooks, hookNames } from "./hooks.ts";
import { type AppReport, type AppRunOptions, type AppStartOptions, Instance } from "./instance.ts";
import type { DeadLetterPlace, HasPlace, Inherited } from "./on-failure.ts";
import { checkOptions, type RouterOptions, routerNames } from "./options.ts";
import type { RepliesOptions } from "./replies.ts";
import type { GivenRequestOptions, Request, Rpc } from "./request.ts";
import { DeclaringRouter, planRouter, type Router, type RouterHome } from "./router.ts";

/** One broker, or several, each with the name it is addressed by. */
type GivenBrokers<B extends Brokers> = B extends Broker
  ? { readonly broker: B; readonly brokers?: undefined }
  : { readonly brokers: B; readonly broker?: undefined };

/** Options of `createApp(options)`. */
export interface AppOptions<
  State = unknown,
  On extends string = never,
  Place extends DeadLetterPlace = DeadLetterPlace,
> extends RouterOptions<State, On, Place>,
    AppHooks<State, On> {
  /** The name of the service. It stands in descriptions, and in the names of what the app makes for itself. */
  readonly name: string;
  /** The version of the service. */
  readonly version?: string;
  /**
   * Gets every failure that no promise carries, and what comes next, in handlers without a listener of their own.
   * @default the first failure of each kind is a process warning
   */
  readonly onError?: ErrorListener;
  /** Where replies arrive, on brokers without request and reply. */
  readonly replies?: RepliesOptions;
  /** Gives retries and timeouts the time. @default the system's, or that of a subscription */
  readonly clock?: Clock;
}

/** A service: brokers, handlers, and one life for all of it. */
export interface App<B extends Brokers = Broker, State = unknown, DeadLetters extends boolean = boolean>
  extends Router<B, State, DeadLetters>,
    AsyncDisposable {
  readonly name: string;
  readonly version: string | undefined;
  /** Sends a request from anywhere, once the app is connected. */
  readonly request: Request<BrokerName<B>>;
  /**
   * Adds a pipeline that you build yourself. When everything is connected, `open` subscribes and starts a run, in
   * the order of the declarations.
   */
  mount(open: (connection: ConnectionOf<BrokerAt<B, never>>) => Promise<Run> | Run): void;
  mount<On extends BrokerName<B>>(
    options: { readonly on: On },
    open: (connection: ConnectionOf<BrokerAt<B, On>>) => Promise<Run> | Run,
  ): void;
  /** The connection of a broker. Throws `InvalidArgumentError` before the app has connected it. */
  connection<On extends BrokerName<B>>(
    ...on: [BrokerName<B>] extends [never] ? [] : [on: On]
  ): ConnectionOf<BrokerAt<B, On>>;
  /** What the app promises for each subscription, as data and in sentences. The app need not be started. */
  describe(): AppDescription;
  /**
   * Connects every broker, opens every subscription, then runs the handlers. If something fails, it ends what was
   * started, in reverse, and rejects with the error. `signal`, `drain` and `stop` cancel a start; it then rejects
   * with `AbortedError`.
   */
  start(options?: AppStartOptions): Promise<void>;
  /**
   * Pulls nothing more, lets deliveries in flight settle, then closes the connections in reverse order. When all
   * has ended, it rejects if a run ended with an error. Of several calls, the earliest deadline counts.
   */
  drain(options?: DrainOptions): Promise<AppReport>;
  /** Stops every run, then closes the connections in reverse order. Rejects as `drain` does. */
  stop(options?: StopOptions): Promise<AppReport>;
  /**
   * Starts the app, and resolves when every run has ended: by itself, by a signal, by `drain` or by `stop`. If a
   * run ends with an error, the other runs are drained, and it rejects with that error. A warning names handlers
   * that have not returned by then. If it rejects, it also sets `process.exitCode` to 1, unless somebody has set
   * it, so that a failed service does not look successful.
   */
  run(options?: AppRunOptions): Promise<AppReport>;
  /** The health of the app, for probes. */
  readonly health: Health;
}

const startNames = optionNames<AppStartOptions>()({ signal: true });
const runNames = optionNames<AppRunOptions>()({ signals: true, deadlineMs: true, exitOnStop: true });

/** Made by the call: a bundler cannot leave out an object that is spread from others. */
const names = (): OptionNames => ({
  ...routerNames,
  ...hookNames,
  ...optionNames<Omit<AppOptions, keyof RouterOptions | keyof AppHooks>>()({
    name: true,
    version: true,
    onError: true,
    replies: optionNames<RepliesOptions>()({ topic: true, source: true }),
    clock: true,
  }),
  broker: true,
  brokers: true,
});

/**
 * Makes an app. It connects nothing before `start()` or `run()`.
 *
 * @example
 * const app = createApp({ name: "billing", broker: new MemoryBroker() });
 */
export function createApp<
  B extends Broker,
  State = undefined,
  const Place extends DeadLetterPlace = Inherited,
>(options: AppOptions<State, never, Place> & GivenBrokers<B>): App<B, State, HasPlace<Place, false>>;
export function createApp<
  const B extends { readonly [name: string]: Broker },
  State = undefined,
  const Place extends DeadLetterPlace = Inherited,
>(
  options: AppOptions<State, Extract<keyof B, string>, Place> & { readonly brokers: B },
): App<B, State, HasPlace<Place, false>>;
export function createApp(options: object): object {
  const app = new DeclaredApp(define(options as GivenAppOptions));
  apps.set(app, app);
  return app;
}

/** The apps there are, for those who run them another way. */
const apps = new WeakMap<object, DeclaredApp>();

/** @internal The app behind an `App`. */
export function declaredApp(argument: string, given: unknown): DeclaredApp {
  const app = apps.get((given ?? {}) as object);
  if (app !== undefined) return app;
  throw new InvalidArgumentError({ argument, expected: "an app, as createApp() gives one", received: given });
}

type GivenAppOptions = AppOptions & { readonly broker?: Broker; readonly brokers?: Brokers };

function define(options: GivenAppOptions): AppDefinition {
  const call = "createApp(options)";
  checkObject(call, options, "an object with name and broker");
  checkOptionNames(call, options, names());
  const { name, version, broker, brokers, onError, replies = {}, clock } = options;
  checkObject(`${call}: replies`, replies, "an object with topic or source");
  checkName(`${call}: name`, name);
  if (version !== undefined) checkName(`${call}: version`, version);
  if (onError !== undefined) checkFunction(`${call}: onError`, onError);
  if (clock !== undefined) checkFunction(`${call}: clock.schedule`, clock?.schedule);
  const { prefix, middleware, publishMiddleware, onFailure, workers, group } = options;
  const given = { prefix, middleware, publishMiddleware, onFailure, workers, group };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return new AppDefinition({
    name,
    version,
    brokers: namedBrokers(broker, brokers),
    root: planRouter(call, bare, said as RouterOptions),
    hooks: checkHooks(options as Hooks),
    replies,
    clock,
    onError,
  });
}

const bare = {
  prefix: "",
  middleware: [],
  publishMiddleware: [],
  onFailure: undefined,
  workers: 1,
  group: undefined,
} as const;

function namedBrokers(broker: unknown, brokers: unknown): Map<string, Broker> {
  const argument = "createApp(options): broker";
  if (broker !== undefined && brokers !== undefined) {
    const expected = "left out where brokers is given";
    throw new InvalidArgumentError({ argument, expected, received: broker });
  }
  if (brokers === undefined) {
    const only = checkBroker(argument, broker);
    return new Map([[only.name, only]]);
  }
  checkObject("createApp(options): brokers", brokers, "an object of brokers by name");
  const all = Object.entries(brokers as Readonly<Record<string, unknown>>);
  return new Map(all.map(([name, each]) => [name, checkBroker(`createApp(options): brokers.${name}`, each)]));
}

function checkBroker(argument: string, given: unknown): Broker {
  if (typeof (given as Partial<Broker> | undefined)?.connect === "function") return given as Broker;
  const expected = "a broker, as in { broker: new MemoryBroker() }; several go into brokers, by name";
  throw new InvalidArgumentError({ argument, expected, received: given });
}

/** An app: what was declared, and its life. */
export class DeclaredApp implements RouterHome {
  readonly definition: AppDefinition;
  readonly #root: DeclaringRouter;
  readonly #own: Instance;
  /** The instance of a test, while there is one: what the app publishes from outside its handlers goes there. */
  #test: Instance | undefined = undefined;

  constructor(definition: AppDefinition) {
    this.definition = definition;
    this.#root = new DeclaringRouter(this, definition.root);
    this.#own = new Instance(definition, ownEnvironment(definition));
  }

  get name(): string {
    return this.definition.name;
  }

  get version(): string | undefined {
    return this.definition.version;
  }

  get health(): Health {
    return this.#own.health;
  }

  get request(): Request<string> {
    const { prefix, publishMiddleware: layers } = this.definition.root;
    const scope = { broker: undefined, prefix, layers, from: undefined };
    const request = async (rpc: Rpc, value: unknown, options?: GivenRequestOptions): Promise<unknown> =>
      this.#live.outbound.of(scope).request(rpc, value as never, options as never);
    return request as unknown as Request<string>;
  }

  subscribe(...given: Parameters<DeclaringRouter["subscribe"]>): void {
    this.#root.subscribe(...given);
  }

  respond(...given: Parameters<DeclaringRouter["respond"]>): void {
    this.#root.respond(...given);
  }

  router(options?: RouterOptions): DeclaringRouter {
    return this.#root.router(options);
  }

  publisher(...given: Parameters<DeclaringRouter["publisher"]>): ReturnType<DeclaringRouter["publisher"]> {
    return this.#root.publisher(...given);
  }

  send(scope: Parameters<RouterHome["send"]>[0]): ReturnType<RouterHome["send"]> {
    return this.#live.outbound.of(scope);
  }

  mount(...given: readonly unknown[]): void {
    this.definition.checkOpen("app.mount()");
    const open = given.length < 2 ? given[0] : given[1];
    checkFunction("app.mount(open)", open);
    const options = (given.length < 2 ? {} : given[0]) as { readonly on?: string };
    checkOptions("app.mount(options, open): options", options, { on: true });
    const broker = this.definition.brokerName("app.mount(options, open): on", options.on);
    this.definition.plans.push({ broker, open: open as (connection: Connection) => Run });
  }

  connection(on?: string): Connection {
    return this.#live.connection(this.definition.brokerName("app.connection(on)", on));
  }

  describe(): AppDescription {
    return describe(this.definition);
  }

  async start(options: AppStartOptions = {}): Promise<void> {
    checkOptions("app.start(options)", options, startNames);
    checkSignal("app.start(options): signal", options.signal);
    await this.#own.start(options);
  }

  drain(options: DrainOptions = {}): Promise<AppReport> {
    checkOptions("app.drain(options)", options, drainNames);
    checkSignal("app.drain(options): signal", options.signal);
    if (options.deadlineMs !== undefined) checkDuration("drain: deadlineMs", options.deadlineMs);
    return this.#own.drain(options);
  }

  stop(options: StopOptions = {}): Promise<AppReport> {
    checkOptions("app.stop(options)", options, stopNames);
    if (options.deadlineMs !== undefined) checkDuration("stop: deadlineMs", options.deadlineMs);
    return this.#own.stop(options);
  }

  async run(options: AppRunOptions = {}): Promise<AppReport> {
    checkOptions("app.run(options)", options, runNames);
    if (options.signals !== undefined && !Array.isArray(options.signals)) {
      const expected = "a list";
      throw new InvalidArgumentError({
        argument: "app.run(options): signals",
        expected,
        received: options.signals,
      });
    }
    if (options.deadlineMs !== undefined) checkDuration("app.run: deadlineMs", options.deadlineMs);
    return this.#own.run(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain();
  }

  /** Lets a test take the place of the app's own life. */
  underTest(test: Instance | undefined): void {
    this.#test = test;
  }

  get tested(): boolean {
    return this.#test !== undefined;
  }

  get #live(): Instance {
    return this.#test ?? this.#own;
  }
}
