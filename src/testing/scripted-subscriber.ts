import { Outlet } from "../structures/outlet.ts";
import { checkDuration } from "../traits/arguments.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { type Clock, systemClock, type Timer } from "../traits/clock.ts";
import { InvalidArgumentError } from "../traits/errors.ts";
import type { Message } from "../traits/message.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import type { Subscriber, SubscriberIterator } from "../traits/subscriber.ts";
import { RecordingMessage } from "./recording-message.ts";

/** Options of `new ScriptedSubscriber(options)`. */
export interface ScriptedSubscriberOptions {
  /** The topic of the subscription. @default "test" */
  readonly topic?: string;
  /** What `wait` is measured by. @default the system clock */
  readonly clock?: Clock;
  /** Capabilities that differ from the defaults: all settles, order by topic, no limit, no batches, seek or pause. */
  readonly capabilities?: Partial<Capabilities>;
}

const names = optionNames<ScriptedSubscriberOptions>()({
  topic: true,
  clock: true,
  capabilities: optionNames<Capabilities>()({
    settlement: true,
    requeue: true,
    delayedRequeue: true,
    deliveryCount: true,
    order: true,
    partitionKey: true,
    groups: true,
    backlog: true,
    ackDeadlineMs: true,
    maxInFlight: true,
    deadLetter: true,
    batches: true,
    seek: true,
    pause: true,
  }),
});

type Step<M> =
  | { readonly do: "deliver"; readonly message: M }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "fail"; readonly error: unknown }
  | { readonly do: "end" };

const claims: Capabilities = {
  settlement: "ack",
  requeue: true,
  delayedRequeue: "native",
  deliveryCount: "broker",
  order: "topic",
  partitionKey: true,
  groups: false,
  backlog: false,
  maxInFlight: Number.POSITIVE_INFINITY,
  deadLetter: false,
  batches: false,
  seek: false,
  pause: false,
};

/**
 * A subscriber that plays a script: `new ScriptedSubscriber({ clock }).deliver(a).wait(100).deliver(b).end()`.
 *
 * The script starts when you write it, whether anybody pulls or not: `a` is here at once, `b` 100 ms later. You may
 * add steps at any time. Messages wait to be pulled, and come before a later failure or end. It does not deliver
 * requeued messages again, unless the script does.
 */
export class ScriptedSubscriber<M extends Message = RecordingMessage> implements Subscriber<M> {
  readonly topic: string;
  readonly capabilities: Capabilities;
  /** The clock that a pipeline over it uses. */
  readonly clock: Clock;
  readonly #outlet: Outlet<M>;
  /** Not reached yet. While `#timer` is armed a `wait` is on, and they come after it. */
  readonly #steps: Step<M>[] = [];
  #timer: Timer | undefined;
  /** Arrived, not handed out. */
  readonly #here: M[] = [];
  readonly #pulled: M[] = [];
  /** No step may follow: the script has its `end` or `fail`, or the subscriber was closed. */
  #written = false;
  #closed = false;

  constructor(options: ScriptedSubscriberOptions = {}) {
    checkOptionNames("new ScriptedSubscriber(options)", options, names);
    this.topic = options.topic ?? "test";
    this.capabilities = { ...claims, ...options.capabilities };
    this.clock = options.clock ?? systemClock;
    this.#outlet = new Outlet(this.topic, { take: (max) => this.#take(max) });
  }

  /** Everything that was pulled, in order. */
  get pulled(): readonly M[] {
    return this.#pulled;
  }

  /** How many messages have arrived and were not pulled. */
  get ready(): number {
    return this.#here.length;
  }

  /** How many `next()` calls wait. */
  get waiting(): number {
    return this.#outlet.waiting;
  }

  /** Whether an iterator is active, so that a second one would throw. */
  get iterating(): boolean {
    return this.#outlet.active;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** These messages arrive next, all at one moment. */
  deliver(...messages: M[]): this {
    for (const message of messages) this.#write({ do: "deliver", message });
    return this;
  }

  /** What follows comes `ms` milliseconds after what stands before. */
  wait(ms: number): this {
    return this.#write({ do: "wait", ms: checkDuration("wait(ms)", ms) });
  }

  /** The subscription fails: one `next()` rejects with exactly this error, then the iteration is over. */
  fail(error: unknown): this {
    return this.#write({ do: "fail", error });
  }

  /** The iteration ends without an error. */
  end(): this {
    return this.#write({ do: "end" });
  }

  [Symbol.asyncIterator](): SubscriberIterator<M> {
    return this.#outlet.iterate();
  }

  /** Ends the iteration and the script. Revokes recording messages that were pulled and are not settled. */
  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#written = true;
    this.#timer?.cancel();
    this.#here.length = 0;
    this.#outlet.end();
    for (const message of this.#pulled) {
      if (message instanceof RecordingMessage && !message.settled)
        message.revoke("the subscriber was closed");
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #write(step: Step<M>): this {
    if (this.#written) {
      const expected = "written before end(), fail() or close()";
      throw new InvalidArgumentError({ argument: "A step of the script", expected, received: step.do });
    }
    this.#written = step.do === "end" || step.do === "fail";
    this.#steps.push(step);
    if (this.#timer === undefined) this.#play();
    return this;
  }

  #play(): void {
    for (let step = this.#steps.shift(); step !== undefined; step = this.#steps.shift()) {
      if (step.do === "wait") {
        this.#timer = this.clock.schedule(step.ms, () => {
          this.#timer = undefined;
          this.#play();
        });
        return;
      }
      this.#reach(step);
    }
  }

  #reach(step: Exclude<Step<M>, { do: "wait" }>): void {
    if (step.do !== "deliver") {
      this.#outlet.end(step.do === "fail" ? { error: step.error } : undefined);
      return;
    }
    this.#here.push(step.message);
    this.#outlet.serve();
  }

  #take(max: number): M[] {
    const taken = this.#here.splice(0, max);
    this.#pulled.push(...taken);
    return taken;
  }
}
