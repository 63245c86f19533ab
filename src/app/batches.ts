import { checkCount, checkDuration } from "../traits/arguments.ts";
import type { Clock, Timer } from "../traits/clock.ts";
import type { Message } from "../traits/message.ts";
import { optionNames } from "../traits/option-names.ts";
import type { Batches, BatchOf, DeliveryBatch } from "./batch.ts";
import type { DeliveryContext } from "./context.ts";
import { checkOptions } from "./options.ts";

/** Options of `batches(options)`. */
export interface BatchesOptions {
  /** The most messages in a batch. */
  readonly max: number;
  /** How long a batch waits for more, in milliseconds, counted from its first message. @default 10 */
  readonly maxWaitMs?: number;
}

const names = optionNames<BatchesOptions>()({ max: true, maxWaitMs: true });

/**
 * Gives a handler its messages in batches: `app.subscribe(orders, { batch: batches({ max: 100 }) }, handler)`. A
 * batch has at most one message of a key, so a key keeps its order even if some messages of a batch are retried.
 */
export function batches(options: BatchesOptions): Batches {
  checkOptions("batches(options)", options, names);
  const { max, maxWaitMs = 10 } = options;
  checkCount("batches(options): max", max);
  checkDuration("batches(options): maxWaitMs", maxWaitMs);
  return Object.freeze({ max, maxWaitMs, collect: (facts: BatchOf) => collecting(facts, max, maxWaitMs) });
}

function collecting(facts: BatchOf, max: number, maxWaitMs: number): ReturnType<Batches["collect"]> {
  const collector = new Collector(facts, max, maxWaitMs);
  return (value, context) => collector.add(value, context);
}

/** One message that waits for its batch, or is in it. */
interface Element {
  readonly value: unknown;
  readonly context: DeliveryContext;
  readonly dueAt: number;
  /** What comes of it, as its own handler would have returned or thrown it. */
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Each message of a batch is a delivery of its own, with its lane, its attempts and its settle: here they only wait for each
 * other. At most `parallel` batches run at once.
 */
class Collector {
  readonly #facts: BatchOf;
  readonly #clock: Clock;
  readonly #max: number;
  readonly #maxWaitMs: number;
  readonly #pending: Element[] = [];
  /** Of those that wait, the ones that are to run by themselves. */
  readonly #alone: Element[] = [];
  #running = 0;
  #timer: Timer | undefined;
  /** Messages of batches that failed as a whole. Each is tried again by itself, so that one does not take the others down. */
  readonly #failed = new WeakSet<Message>();

  constructor(facts: BatchOf, max: number, maxWaitMs: number) {
    this.#facts = facts;
    this.#clock = facts.clock;
    this.#max = max;
    this.#maxWaitMs = maxWaitMs;
  }

  add(value: unknown, context: DeliveryContext): Promise<unknown> {
    const dueAt = this.#clock.now() + this.#maxWaitMs;
    return new Promise((resolve, reject) => {
      const waiting = this.#failed.has(context.message) ? this.#alone : this.#pending;
      waiting.push({ value, context, dueAt, resolve, reject });
      this.#facts.waiting(1);
      this.#flush();
    });
  }

  /** Starts what is full or due, as far as batches may run; then looks again when the next one is due. */
  #flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    while (this.#running < this.#facts.parallel) {
      const alone = this.#alone.shift();
      if (alone !== undefined) {
        void this.#run([alone]);
        continue;
      }
      const [first] = this.#pending;
      if (first === undefined) return;
      const leftMs = first.dueAt - this.#clock.now();
      if (this.#pending.length < this.#max && leftMs > 0) {
        this.#timer = this.#clock.schedule(leftMs, () => this.#flush());
        return;
      }
      void this.#run(this.#pending.splice(0, this.#max));
    }
  }

  async #run(elements: Element[]): Promise<void> {
    this.#facts.waiting(-elements.length);
    const alive = elements.filter(({ context: { signal }, reject }) => {
      // Taken back, or its run was stopped, while it waited for the others.
      if (signal.aborted) reject(signal.reason);
      return !signal.aborted;
    });
    if (alive.length === 0) return;
    this.#running += 1;
    await this.#handle(alive);
    this.#running -= 1;
    this.#flush();
  }

  async #handle(elements: readonly Element[]): Promise<void> {
    const values = elements.map(({ value }) => value);
    try {
      const returned = await this.#facts.handler(values, new Batch(elements.map(({ context }) => context)));
      const outcomes = Array.isArray(returned) ? returned : undefined;
      if (outcomes !== undefined && outcomes.length !== elements.length)
        throw wrongLength(outcomes, elements);
      for (const [index, { resolve }] of elements.entries()) resolve(outcomes ? outcomes[index] : returned);
    } catch (error) {
      for (const { context, reject } of elements) {
        if (elements.length > 1) this.#failed.add(context.message);
        reject(error);
      }
    }
  }
}

function wrongLength(outcomes: readonly unknown[], elements: readonly Element[]): TypeError {
  return new TypeError(
    `A handler of batches returned ${outcomes.length} outcomes for ${elements.length} messages; it returns one for all of them, or a list with one for each.`,
  );
}

/** What the deliveries of a batch have in common. */
class Batch implements DeliveryBatch {
  readonly deliveries: readonly DeliveryContext[];
  #signal: AbortSignal | undefined;

  constructor(deliveries: readonly DeliveryContext[]) {
    this.deliveries = deliveries;
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any(this.deliveries.map(({ signal }) => signal));
    return this.#signal;
  }

  get channel(): DeliveryBatch["channel"] {
    return this.#first.channel;
  }

  get state(): unknown {
    return this.#first.state;
  }

  get publish(): DeliveryBatch["publish"] {
    return this.#first.publish;
  }

  get request(): DeliveryBatch["request"] {
    return this.#first.request;
  }

  get #first(): DeliveryContext {
    return this.deliveries[0] as DeliveryContext;
  }
}
