import fc from "fast-check";
import { byKey, type HandlerResult, pipeline, type Run, type RunReport, retry, retryAfter } from "tidelane";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "tidelane/testing";
import { expect, it } from "vitest";

/** What a handler does on its first, second … run of one delivery; afterwards it succeeds. */
type Act = "throw" | "retry" | "retry after 30 ms" | "drop";

interface Plan {
  readonly key: string | undefined;
  readonly acts: readonly Act[];
  /** The broker answers the settle later, at a moment the scheduler picks. */
  readonly slowSettle: boolean;
  /** The handler returns at once instead of at a moment the scheduler picks. */
  readonly atOnce: boolean;
}

interface Program {
  readonly workers: number;
  readonly spare: number;
  readonly plans: readonly Plan[];
  readonly ticks: number;
  readonly ending: "end" | "drain" | "stop";
}

const plan: fc.Arbitrary<Plan> = fc.record({
  key: fc.constantFrom("a", "b", "c", undefined),
  acts: fc.array(fc.constantFrom<Act>("throw", "retry", "retry after 30 ms", "drop"), { maxLength: 2 }),
  slowSettle: fc.boolean(),
  atOnce: fc.boolean(),
});

const program: fc.Arbitrary<Program> = fc.record({
  workers: fc.integer({ min: 1, max: 4 }),
  spare: fc.integer({ min: 0, max: 8 }),
  plans: fc.array(plan, { minLength: 1, maxLength: 12 }),
  ticks: fc.integer({ min: 0, max: 4 }),
  ending: fc.constantFrom("end", "drain", "stop"),
});

type Answer = HandlerResult<false>;

type State = "waiting" | "running" | "holding" | "settling" | "left";

interface Tracked {
  readonly index: number;
  readonly plan: Plan;
  readonly message: RecordingMessage;
  state: State;
  runs: number;
  /** For "holding": when the retry is due at the latest. */
  due: number;
}

const backoffMs = 20;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One run of a program, with what the lanes promise checked after every step. */
class World {
  readonly clock = new VirtualClock();
  readonly subscriber = new ScriptedSubscriber({ clock: this.clock });
  readonly tracked: Tracked[];
  readonly run: Run;
  report: RunReport | undefined;
  readonly #program: Program;
  readonly #scheduler: fc.Scheduler;
  readonly #faults: string[] = [];
  #acting = true;

  constructor(given: Program, scheduler: fc.Scheduler) {
    this.#program = given;
    this.#scheduler = scheduler;
    this.tracked = given.plans.map((each, index) => this.#track(each, index));
    this.subscriber.deliver(...this.tracked.map(({ message }) => message));
    if (given.ending === "end") this.subscriber.end();
    this.run = pipeline(this.subscriber, { clock: this.clock, random: () => 0, onError: () => undefined })
      .workers(given.workers, byKey, { maxInFlight: given.workers + given.spare })
      .onFailure({ backoff: { initialMs: backoffMs, factor: 1, jitter: 0 } })
      .handle((message) => this.#handle(message));
    void this.run.done.then((report) => {
      this.report = report;
    });
  }

  async play(): Promise<void> {
    this.#scheduleEvents();
    await this.#step();
    for (let guard = 0; this.report === undefined && guard < 1_000; guard += 1) {
      if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1);
      else if (!(await this.clock.advanceToNext())) break;
      await this.#step();
    }
    expect(this.report, "the run ends").toBeDefined();
    this.#checkConservation();
  }

  async #step(): Promise<void> {
    await turn();
    await turn();
    this.#checkWorkConserved();
    this.#checkStats();
    expect(this.#faults).toEqual([]);
  }

  #track(each: Plan, index: number): Tracked {
    const onSettle = each.slowSettle
      ? async () => {
          tracked.state = "settling";
          await this.#scheduler.schedule(Promise.resolve(), `settle ${index}`);
          tracked.state = "left";
        }
      : () => {
          tracked.state = "left";
        };
    const init = {
      payload: String(index),
      onSettle,
      ...(each.key === undefined ? {} : { partitionKey: each.key }),
    };
    const tracked: Tracked = {
      index,
      plan: each,
      message: new RecordingMessage(init),
      state: "waiting",
      runs: 0,
      due: 0,
    };
    return tracked;
  }

  #scheduleEvents(): void {
    const { ticks, ending } = this.#program;
    const tick = { label: "tick", builder: () => this.clock.advance(11) };
    const end = {
      label: ending,
      builder: async () => {
        this.#acting = ending !== "stop";
        if (ending === "drain") void this.run.drain();
        if (ending === "stop") void this.run.stop();
      },
    };
    void this.#scheduler.scheduleSequence([...Array.from({ length: ticks }, () => tick), end]).task;
  }

  #handle(message: RecordingMessage): Answer | Promise<Answer> {
    const tracked = this.tracked[Number(message.text())] as Tracked;
    this.#checkStart(tracked);
    tracked.state = "running";
    const act = tracked.plan.acts[tracked.runs];
    tracked.runs += 1;
    if (tracked.plan.atOnce) return this.#act(tracked, act);
    return this.#scheduler
      .schedule(Promise.resolve(), `handler ${tracked.index}`)
      .then(() => this.#act(tracked, act));
  }

  #act(tracked: Tracked, act: Act | undefined): Answer {
    if (act === undefined) return undefined;
    if (act === "drop") return { kind: "drop" };
    tracked.state = "holding";
    tracked.due = this.clock.now() + (act === "retry after 30 ms" ? 30 : backoffMs);
    if (act === "throw") throw new Error("planned");
    return act === "retry" ? retry() : retryAfter(30);
  }

  #checkStart(starting: Tracked): void {
    const running = this.tracked.filter(({ state }) => state === "running");
    if (running.length >= this.#program.workers)
      this.#faults.push(`more than ${this.#program.workers} at once`);
    if (starting.state === "holding" && this.clock.now() < starting.due)
      this.#faults.push("a retry ran early");
    if (starting.state !== "waiting" && starting.state !== "holding")
      this.#faults.push(`ran while ${starting.state}`);
    if (!this.#acting) this.#faults.push("started after stop");
    const ahead = this.#aheadOf(starting);
    if (ahead) this.#faults.push(`${starting.index} overtook ${ahead.index} of key ${starting.plan.key}`);
    const older = this.tracked.find((other) => other.index < starting.index && this.#isRunnable(other));
    if (older) this.#faults.push(`${starting.index} ran before the older ${older.index}`);
  }

  /** An earlier delivery of the same key that has not left. */
  #aheadOf({ index, plan: { key } }: Tracked): Tracked | undefined {
    if (key === undefined) return undefined;
    return this.tracked.find(
      (other) => other.index < index && other.plan.key === key && other.state !== "left",
    );
  }

  #isRunnable(tracked: Tracked): boolean {
    if (!this.subscriber.pulled.includes(tracked.message) || this.#aheadOf(tracked)) return false;
    return tracked.state === "waiting";
  }

  #checkWorkConserved(): void {
    if (!this.#acting || this.report) return;
    const running = this.tracked.filter(({ state }) => state === "running").length;
    if (running >= this.#program.workers) return;
    const due = this.tracked.find(({ state, due: at }) => state === "holding" && at < this.clock.now());
    const idle = this.tracked.find((each) => this.#isRunnable(each)) ?? due;
    if (idle) this.#faults.push(`${idle.index} could run beside an idle worker`);
  }

  #checkStats(): void {
    const { stats } = this.run;
    const bound = this.#program.workers + this.#program.spare;
    const pulling = !this.report && !this.subscriber.closed && this.subscriber.iterating;
    if (pulling && stats.inFlight < bound && this.subscriber.ready > 0)
      this.#faults.push("left a delivery unpulled");
    if (stats.peakInFlight > bound) this.#faults.push(`${stats.peakInFlight} in flight, bound ${bound}`);
    expect(stats.inFlight).toBe(stats.waiting + stats.running + stats.settling);
    expect(stats.pulled).toBe(stats.handled + stats.dropped + stats.revoked + stats.inFlight);
    expect(stats.pulled).toBe(this.subscriber.pulled.length);
  }

  #checkConservation(): void {
    const settled = this.tracked.filter(({ message }) => message.settlements.length === 1).length;
    const unsettled = this.subscriber.pulled.filter((message) => !message.settled).length;
    expect(this.tracked.every(({ message }) => message.settlements.length <= 1)).toBe(true);
    expect(this.report?.left).toHaveLength(unsettled);
    if (this.#program.ending === "end") expect(settled).toBe(this.tracked.length);
    if (this.#program.ending === "drain") expect(unsettled).toBe(0);
  }
}

it("keeps its promises under 10,000 schedules with retries, throws and aborts", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(program, fc.scheduler(), (given, scheduler) => new World(given, scheduler).play()),
    { numRuns: 10_000 },
  );
});
