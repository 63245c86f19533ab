import { setTimeout as sleep } from "node:timers/promises";
import {
  byKey,
  type ErrorListener,
  type HandlerContext,
  isTidelaneError,
  type Message,
  pipeline,
  type Run,
  type Subscriber,
} from "tidelane";
import { randomFrom } from "../../src/testing/random.ts";
import { JournalWriter, readPayload } from "./journal.ts";
import type { ConsumerSite, News, Order } from "./messages.ts";
import type { Leaving } from "./plan.ts";
import type { Station } from "./plug-in.ts";
import { plugIns } from "./plug-ins.ts";

/** The failures of handlers that are part of the run. */
class PlannedFailure extends Error {}

/** Of first attempts, how many throw. */
const failureRate = 0.01;
const workers = 8;

/** A consumer as an application would have it: it connects, runs a pipeline, and begins again when that ends. */
class Consumer {
  readonly #site: ConsumerSite;
  readonly #journal: JournalWriter;
  readonly #random: () => number;
  #station: Station | undefined;
  #subscriber: Subscriber | undefined;
  #run: Run | undefined;
  /** What is done to it, one after the other. */
  #work: Promise<void> = Promise.resolve();
  #leaving = false;

  constructor(site: ConsumerSite) {
    this.#site = site;
    this.#journal = new JournalWriter(site.journal, site.member);
    this.#random = randomFrom(site.seed + process.pid);
  }

  start(): void {
    this.#then(() => this.#open());
  }

  obey(order: Order): void {
    this.#then(async () => {
      if (order.do === "leave") this.#leaving = true;
      await this.#close(order.how);
      if (order.do === "reopen") await this.#open();
      else {
        await this.#station?.close();
        tell({ is: "left" });
      }
    });
  }

  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(step).catch((error: unknown) => note("unexpected", error));
  }

  /** The server may be down, or the connection end in the middle: it is tried until it is done. */
  async #open(): Promise<void> {
    const { plugIn, contact, port, place } = this.#site;
    for (;;) {
      try {
        this.#station ??= await plugInOf(plugIn).connect({ contact, port });
        this.#subscriber = await this.#station.subscribe(place);
        break;
      } catch (error) {
        note("not opened", error);
        if (isTidelaneError(error, "TIDELANE_CONNECTION_CLOSED")) this.#station = undefined;
        await sleep(100);
      }
    }
    const run = this.#start(this.#subscriber);
    this.#run = run;
    run.done.then(
      (report) => this.#onEnd(run, `by ${report.endedBy}`),
      (error: unknown) => this.#onEnd(run, error),
    );
    tell({ is: "open" });
  }

  /** Nobody asked for it: it begins again, as an application that is restarted would. */
  #onEnd(run: Run, reason: unknown): void {
    if (this.#run !== run || this.#leaving) return;
    note("the run ended", reason);
    this.#then(() => this.#again());
  }

  async #again(): Promise<void> {
    await this.#station?.close();
    this.#station = undefined;
    await this.#open();
  }

  async #close(how: Exclude<Leaving, "kill">): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (how === "drain") await run?.drain({ deadlineMs: 5_000 });
    else if (how === "stop") await run?.stop({ deadlineMs: 500 });
    else if (how === "close") await this.#subscriber?.close();
    else {
      await this.#station?.close();
      this.#station = undefined;
    }
    // What is closed under a run ends it; either way it is over before another begins.
    await run?.done.catch(() => undefined);
  }

  #start(subscriber: Subscriber): Run {
    const onError: ErrorListener = ({ error }) => {
      const isRevoked = isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED");
      if (!(error instanceof PlannedFailure) && !isRevoked && !isAbort(error)) note("an error", error);
    };
    return pipeline(subscriber, { onError })
      .workers(workers, byKey, { maxInFlight: this.#site.place.inFlight })
      .onFailure({ backoff: { initialMs: 5, factor: 2, maxMs: 50, jitter: 0.5 } })
      .handle((message, context) => this.#handle(message, context));
  }

  async #handle(message: Message, { attempt, signal }: HandlerContext): Promise<void> {
    await sleep(1 + 3 * this.#random(), undefined, { signal });
    if (attempt === 1 && this.#random() < failureRate) throw new PlannedFailure();
    // Only what is still ours counts; and it counts before it is acked.
    if (!signal.aborted) this.#journal.handled(readPayload(message.text()));
  }
}

function plugInOf(name: string): (typeof plugIns)[number] {
  const found = plugIns.find((plugIn) => plugIn.name === name);
  if (found === undefined) throw new Error(`There is no plug-in "${name}".`);
  return found;
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error && (error.name === "AbortError" || isTidelaneError(error, "TIDELANE_ABORTED"))
  );
}

function tell(news: News): void {
  if (process.connected) process.send?.(news);
}

function note(what: string, error: unknown): void {
  tell({
    is: "note",
    text: `${what}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
  });
}

// Whoever started it is gone: so is the round.
process.once("disconnect", () => process.exit());
const consumer = new Consumer(JSON.parse(process.argv[2] ?? ""));
process.on("message", (order) => consumer.obey(order as Order));
tell({ is: "loaded" });
consumer.start();
