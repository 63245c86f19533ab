import type { Message } from "../traits/message.ts";
import { Continuations } from "./continuations.ts";
import type { Delivery } from "./delivery.ts";
import { Dispatcher } from "./dispatch.ts";
import type { RunConfig } from "./dispatch-config.ts";
import { Intake } from "./intake.ts";
import { KeepAlive } from "./keep-alive.ts";
import { StallWatch, stallError } from "./stall-watch.ts";
import type { RunStats } from "./stats.ts";

/** What the parts ask of the run, and tell it. They call these as functions, with no object before them. */
export interface RunHooks {
  /** There is room, a runnable delivery, an idle worker, or nothing left. */
  readonly pump: () => void;
  /** Whether the run takes in what comes, when there is room. */
  readonly pulling: () => boolean;
  /** The stream is over, with the error that ended it if there was one. */
  readonly ended: (error: { readonly cause: unknown } | undefined) => void;
  /** No run can go on: what is in flight stays unsettled. */
  readonly fatal: (error: unknown) => void;
}

/** What a run is made of: an intake that pulls, a dispatcher, the continuations, and what watches over them. */
export class RunParts<M extends Message, Value> {
  readonly intake: Intake<M>;
  readonly dispatcher: Dispatcher<M, Value>;
  readonly continuations: Continuations<M>;
  /** Watches while there are too many continuations to pull. */
  readonly #continuationStall: StallWatch;
  readonly #keepAlive: KeepAlive<Delivery<M, Value>> | undefined;

  constructor(config: RunConfig<M, Value>, hooks: RunHooks) {
    const { subscriber, clock, reporter } = config;
    const { topic, capabilities } = subscriber;
    const failed = (error: unknown, delivery: Delivery<M, unknown>): void => reporter.failed(error, delivery);
    this.continuations = new Continuations<M>(failed, hooks.pump);
    this.dispatcher = new Dispatcher<M, Value>({
      ...config,
      topic,
      continued: (delivery, settlement) => this.continuations.start(delivery, settlement),
      changed: hooks.pump,
      pulling: hooks.pulling,
      fatal: hooks.fatal,
    });
    this.#continuationStall = new StallWatch(clock, {
      pulled: () => this.dispatcher.stats.pulled,
      isStuck: () => this.continuations.room <= 0 && hooks.pulling(),
      stalled: () => {
        const { inFlight, retrying, blocked } = this.dispatcher.stats;
        reporter.failed(stallError(topic, inFlight, retrying + blocked, this.continuations.size));
      },
    });
    if (capabilities.ackDeadlineMs !== undefined) {
      const deadlineMs = (): number | undefined => subscriber.capabilities.ackDeadlineMs;
      this.#keepAlive = new KeepAlive(this.dispatcher.inFlight, clock, deadlineMs, failed);
    }
    this.intake = this.#openIntake(config, hooks);
  }

  #openIntake(config: RunConfig<M, Value>, { pump, ended }: RunHooks): Intake<M> {
    const { subscriber, selector, decode } = config;
    return new Intake<M>(
      subscriber[Symbol.asyncIterator](),
      {
        room: () => (this.continuations.room > 0 ? this.dispatcher.room : 0),
        admit: (message) => this.dispatcher.admit(message),
        pump,
        ended,
      },
      selector?.readsValue && decode ? 1 : Number.POSITIVE_INFINITY,
    );
  }

  get stats(): RunStats {
    const { stats } = this.dispatcher;
    const stalled = stats.stalled || this.#continuationStall.isStalled;
    return { ...stats, stalled, continuations: this.continuations.size };
  }

  /** Nothing is in flight, and the source has nothing. */
  get isQuiet(): boolean {
    return this.dispatcher.inFlight.size === 0 && this.intake.isWaiting;
  }

  /** Nothing runs, and some deliveries wait for their retry: only the clock can bring anything about. */
  get isHeld(): boolean {
    const { retrying, blocked } = this.dispatcher.stats;
    return this.dispatcher.active === 0 && retrying + blocked > 0;
  }

  /** Arms the timers that what is in flight needs, and disarms the others. */
  watch(isPulling: boolean): void {
    this.#continuationStall.watch(this.continuations.room <= 0 && isPulling);
    if (this.dispatcher.inFlight.size > 0) this.#keepAlive?.arm();
    else this.dispatcher.rest();
  }

  /** The run is over: forgets the continuations that have not begun, and watches nothing any more. */
  stop(): void {
    this.continuations.clear();
    this.#keepAlive?.stop();
    this.#continuationStall.watch(false);
  }
}
