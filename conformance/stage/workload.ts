import type { Scheduler } from "fast-check";
import { byKey, pipeline, type Run } from "../../src/runtime/index.ts";
import type { Message } from "../../src/traits/index.ts";
import type { LawName } from "../law.ts";
import { idOfPayload } from "../model/posting.ts";
import type { ConnectionActor } from "./connection-actor.ts";
import type { Stage } from "./stage.ts";
import type { SubscriberActor } from "./subscriber-actor.ts";

/** A message for the pipeline: how often its handler throws before it succeeds. */
export interface Job {
  readonly key: string | undefined;
  readonly throws: number;
}

interface Work extends Job {
  readonly id: number;
  /** "retrying": its handler threw, and it waits to run again. */
  state: "published" | "running" | "retrying" | "done";
  /** When it was done. */
  doneAt: number;
  throwsLeft: number;
  /** It was published when the drain had begun. */
  readonly late: boolean;
}

const retryMs = 50;

/**
 * A pipeline with keyed workers over a subscriber of the broker. Publishes and the ends of handlers are tasks of a
 * scheduler, so that their order is generated. What a lane promises is checked whenever a handler starts, and at rest.
 */
export class Workload {
  readonly run: Run;
  readonly #stage: Stage;
  readonly #scheduler: Scheduler;
  readonly #workers: number;
  readonly #works: Work[] = [];
  /** "draining": what was not taken is not to start. "over": nothing is. */
  phase: "running" | "draining" | "over" = "running";

  constructor(stage: Stage, subscriber: SubscriberActor, scheduler: Scheduler, workers: number) {
    this.#stage = stage;
    this.#scheduler = scheduler;
    this.#workers = workers;
    this.run = pipeline(subscriber.handle, {
      clock: stage.pace.clock,
      random: () => 0,
      // Handlers fail as they are told to.
      onError: () => undefined,
    })
      .workers(workers, byKey)
      .onFailure({ backoff: { initialMs: retryMs, factor: 1, jitter: 0 } })
      .handle((message) => this.#handle(message));
  }

  get works(): readonly Readonly<Work>[] {
    return this.#works;
  }

  get running(): number {
    return this.#works.filter(({ state }) => state === "running").length;
  }

  /** Its publish becomes a task. */
  add(connection: ConnectionActor, job: Job): void {
    const publish = async (): Promise<void> => {
      const id = this.#stage.messages + 1;
      const late = this.phase !== "running";
      this.#works.push({ ...job, id, late, state: "published", doneAt: Number.NaN, throwsLeft: job.throws });
      await connection.publish({ topic: "A", key: job.key });
    };
    void this.#scheduler.schedule(Promise.resolve(), "publish").then(publish);
  }

  /** Everything has succeeded; then the pipeline is taken down. */
  async finish(): Promise<void> {
    const left = this.#works.find(({ state }) => state !== "done");
    if (left !== undefined) {
      const observed = `#${left.id} was left ${left.state} when nothing more happened`;
      const laws = [
        "conservation",
        "retry-keeps-key-order",
        "lanes-work-conserving",
        "lanes-exclusive",
      ] as const;
      this.#stage.violate(laws, observed, "every delivery runs until it succeeds");
    }
    this.#stage.check();
    this.phase = "over";
    const { closeMs } = this.#stage.subject.timings;
    if (await this.#stage.pace.within(this.run.stop(), 2 * closeMs)) return;
    this.#stage.violate(
      ["drain-finishes", "lanes-exclusive"],
      "stop() did not end",
      "it ends by its deadline",
    );
  }

  /**
   * Runs one task more, or lets time pass to the next retry, or until `over` says that there is nothing to wait for.
   * Whether there was anything to do.
   */
  async turn(over: () => boolean = () => false): Promise<boolean> {
    const { pace } = this.#stage;
    if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1);
    else if (this.#works.every(({ state }) => state === "done") || !(await this.#wait(over))) return false;
    await this.#stage.rest();
    if (pace.virtual) this.#checkWorkConserving();
    this.#stage.check();
    return true;
  }

  /**
   * Waits until a retry has begun, or the broker has delivered. Gives false if neither happened. When a run is over, its
   * subscription is closed. So only a retry that was already scheduled can still begin, and that takes at most one retry delay.
   */
  async #wait(over: () => boolean): Promise<boolean> {
    const { pace, subject } = this.#stage;
    const { arrivalMs, stepMs } = subject.timings;
    const liveMs = this.phase === "over" ? 2 * retryMs + stepMs : arrivalMs;
    const patienceMs = pace.virtual ? retryMs : liveMs;
    for (let waited = 0; waited < patienceMs && this.#scheduler.count() === 0 && !over(); waited += retryMs) {
      await pace.advance(retryMs);
    }
    return this.#scheduler.count() > 0;
  }

  async #handle(message: Message): Promise<void> {
    const id = idOfPayload(message.payload);
    const work = this.#works.find((candidate) => candidate.id === id);
    if (work === undefined) {
      this.#stage.violate(
        ["conservation"],
        "a handler was given a message nobody published",
        "none is invented",
      );
      return;
    }
    this.#checkStart(work);
    work.state = "running";
    const line = this.#stage.trace.line(
      `handler of #${work.id}${work.key === undefined ? "" : `, key ${work.key},`} starts`,
    );
    await this.#scheduler.schedule(Promise.resolve(), `end of #${work.id}`);
    if (work.throwsLeft > 0) {
      work.throwsLeft -= 1;
      work.state = "retrying";
      line.outcome("throws");
      throw new Error(`the handler of #${work.id} fails`);
    }
    line.outcome("ends");
    work.state = "done";
    work.doneAt = this.#stage.pace.clock.now();
  }

  #checkStart(work: Work): void {
    const others = this.#works.filter((other) => other !== work && other.state === "running");
    const same = others.find(({ key }) => key !== undefined && key === work.key);
    const violate = (laws: readonly LawName[], observed: string, expected: string): void =>
      this.#stage.violate(laws, observed, expected);
    if (work.state === "running") {
      violate(["lanes-exclusive"], `two handlers run for #${work.id}`, "a delivery has one handler");
    }
    if (this.phase === "over" || (work.late && this.phase === "draining")) {
      const observed = `the handler of #${work.id} started ${this.phase === "over" ? "after the drain was over" : "although it was published after the drain began"}`;
      violate(["drain-finishes"], observed, "a drain takes nothing more");
    }
    if (same !== undefined) {
      const observed = `#${work.id} and #${same.id} of key ${work.key} run at once`;
      violate(["lanes-exclusive"], observed, "of one key at most one runs");
    }
    if (others.length >= this.#workers) {
      violate(
        ["lanes-exclusive"],
        `${others.length + 1} handlers run on ${this.#workers} workers`,
        "at most n run",
      );
    }
    if (work.state === "done") {
      violate(["retry-keeps-key-order"], `#${work.id} ran again after it had succeeded`, "it is acked");
    }
    if (work.key === undefined) return;
    const before = this.#works.slice(0, this.#works.indexOf(work));
    const passed = before.find(({ key, state }) => key === work.key && state !== "done");
    if (passed === undefined) return;
    const observed = `#${work.id} of key ${work.key} started before #${passed.id} had succeeded`;
    violate(["retry-keeps-key-order"], observed, "one key runs in order, retries included");
  }

  /** At rest no worker is idle while a delivery could run. */
  #checkWorkConserving(): void {
    if (this.phase !== "running" || this.running >= this.#workers) return;
    const blocked = new Set<string>();
    for (const { id, key, state } of this.#works) {
      if (state === "done") continue;
      const runnable = state === "published" && (key === undefined || !blocked.has(key));
      if (key !== undefined) blocked.add(key);
      if (!runnable) continue;
      const observed = `#${id} waits while ${this.running} of ${this.#workers} workers run`;
      this.#stage.violate(
        ["lanes-work-conserving"],
        observed,
        "no worker is idle beside a delivery that could run",
      );
    }
  }
}
