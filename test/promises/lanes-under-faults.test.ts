import fc from "fast-check";
import {
  by,
  byKey,
  deadLetter,
  type HandlerResult,
  InvalidMessageError,
  type Message,
  pipeline,
  type Run,
  type RunReport,
  retry,
} from "tidelane";
import { RecordingMessage, ScriptedSubscriber, VirtualClock } from "tidelane/testing";
import { expect, it } from "vitest";
import { expectBalanced, RecordingPublisher } from "./stage.ts";

type Act = "ack" | "retry" | "dead-letter" | "settle" | "undecodable";

interface Plan {
  readonly key: string | undefined;
  readonly act: Act;
  /** How often the publish of its dead letter, or its settle, fails before it goes through. */
  readonly failures: number;
  /** Revoked by the broker at a moment the scheduler picks. */
  readonly revoked: boolean;
  readonly late: boolean;
  readonly continues: boolean;
}

interface Program {
  readonly workers: number;
  readonly spare: number;
  readonly plans: readonly Plan[];
  readonly decode: "none" | "at once" | "later";
  readonly computedKey: boolean;
  readonly endings: readonly ("drain" | "stop" | "end" | "fail")[];
  /** The dead letter with this number can never be carried. */
  readonly poison: number;
}

const program: fc.Arbitrary<Program> = fc.record({
  workers: fc.integer({ min: 1, max: 3 }),
  spare: fc.integer({ min: 0, max: 4 }),
  plans: fc.array(
    fc.record({
      key: fc.constantFrom("a", "b", undefined),
      act: fc.constantFrom<Act>("ack", "retry", "dead-letter", "settle", "undecodable"),
      failures: fc.nat(2),
      revoked: fc.boolean(),
      late: fc.boolean(),
      continues: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  ),
  decode: fc.constantFrom("none", "at once", "later"),
  computedKey: fc.boolean(),
  endings: fc.array(fc.constantFrom("drain", "stop", "end", "fail"), { minLength: 1, maxLength: 3 }),
  poison: fc.integer({ min: -8, max: 8 }),
});

const broken = new Error("the queue was deleted");
const refused = new InvalidMessageError({ topic: "dead", reason: "it is too large" });

/** One run of a program: whatever fails, the order of a key holds, nothing is lost, and the run ends with nothing left. */
class World {
  readonly clock = new VirtualClock();
  readonly subscriber = new ScriptedSubscriber({ clock: this.clock, topic: "orders" });
  readonly publisher = new RecordingPublisher();
  readonly messages: RecordingMessage[];
  readonly run: Run;
  readonly faults: string[] = [];
  readonly #program: Program;
  readonly #scheduler: fc.Scheduler;
  /** Publishes and settles that failed so far, by message. */
  readonly #failed: number[];
  readonly #runs: number[];
  readonly #left = new Set<number>();
  readonly #running = new Set<number>();
  report: RunReport | undefined;
  error: unknown;
  #poisoned = false;
  over = false;

  constructor(given: Program, scheduler: fc.Scheduler) {
    this.#program = given;
    this.#scheduler = scheduler;
    this.#failed = given.plans.map(() => 0);
    this.#runs = given.plans.map(() => 0);
    this.messages = given.plans.map((plan, index) => {
      const init = { topic: "orders", payload: String(index), onSettle: () => this.#settled(index) };
      return new RecordingMessage(plan.key === undefined ? init : { ...init, partitionKey: plan.key });
    });
    this.publisher.publish = (outgoing) => this.#publish(Number(Buffer.from(outgoing.payload).toString()));
    this.subscriber.deliver(...this.messages);
    this.run = this.#open();
    void this.run.done.then(
      (report) => {
        this.report = report;
        this.over = true;
      },
      (error: unknown) => {
        this.error = error;
        this.over = true;
      },
    );
    this.#scheduleEvents();
  }

  async play(): Promise<void> {
    for (let guard = 0; !this.over && guard < 2_000; guard += 1) {
      await turn();
      if (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1);
      else if (!(await this.clock.advanceToNext())) await turn();
      expectBalanced(this.run.stats);
      expect(this.faults).toEqual([]);
    }
    expect(this.over, "the run ends").toBe(true);
    await this.#checkEnd();
  }

  #open(): Run {
    const { workers, spare, decode, computedKey } = this.#program;
    const options = { maxInFlight: workers + spare };
    const base = pipeline(this.subscriber, { clock: this.clock, random: () => 0, onError: () => undefined });
    const policy = { maxAttempts: 3, deadLetter: { topic: "dead", publisher: this.publisher } } as const;
    if (decode === "none") {
      const key = computedKey ? by<Message>((message) => message.partitionKey) : byKey;
      return base
        .workers(workers, key, options)
        .onFailure(policy)
        .handle((message, context) => this.#handle(Number(message.text()), context));
    }
    const codec = { contentType: "text/plain", encode: () => new Uint8Array(), decode: this.#decode };
    const key = computedKey ? by<number>((index) => this.#program.plans[index]?.key) : byKey;
    return base
      .decode(codec)
      .workers(workers, key, options)
      .onFailure(policy)
      .handle((index, context) => this.#handle(index, context));
  }

  readonly #decode = (message: Message): number | Promise<number> => {
    const index = Number(message.text());
    const value = (): number => {
      if (this.#plan(index).act === "undecodable") throw new Error("no value");
      return index;
    };
    if (this.#program.decode === "at once") return value();
    return this.#scheduler.schedule(Promise.resolve(), `decode ${index}`).then(value);
  };

  #plan(index: number): Plan {
    return this.#program.plans[index] as Plan;
  }

  #handle(
    index: number,
    context: { afterSettle(work: () => Promise<void>): void },
  ): HandlerResult<true> | Promise<HandlerResult<true>> {
    const plan = this.#plan(index);
    this.#checkOrder(index);
    this.#running.add(index);
    this.#runs[index] = (this.#runs[index] ?? 0) + 1;
    if (plan.continues) {
      context.afterSettle(() => this.#scheduler.schedule(Promise.resolve(), `continuation ${index}`));
    }
    if (!plan.late) return this.#act(index);
    return this.#scheduler.schedule(Promise.resolve(), `handler ${index}`).then(() => this.#act(index));
  }

  #act(index: number): HandlerResult<true> | Promise<HandlerResult<true>> {
    this.#running.delete(index);
    switch (this.#plan(index).act) {
      case "retry":
        return retry();
      case "dead-letter":
        return deadLetter("poison");
      case "settle":
        return this.messages[index]?.ack().then(
          () => undefined,
          () => undefined,
        );
      default:
        return undefined;
    }
  }

  #checkOrder(index: number): void {
    const { key } = this.#plan(index);
    if (this.#running.has(index)) this.faults.push(`${index} runs twice at once`);
    if (this.#left.has(index)) this.faults.push(`${index} ran after it had left`);
    if (this.messages[index]?.revoked) this.faults.push(`${index} ran though it was revoked`);
    if (this.#running.size >= this.#program.workers) this.faults.push("more at once than there are workers");
    if (key === undefined) return;
    for (let ahead = 0; ahead < index; ahead += 1) {
      const isAhead = this.#plan(ahead).key === key && !this.#left.has(ahead);
      // Without a value a computed key cannot be had: what does not decode is in no lane.
      const laneless = this.#plan(ahead).act === "undecodable" && this.#program.decode !== "none";
      if (isAhead && !laneless && !this.messages[ahead]?.revoked)
        this.faults.push(`${index} overtook ${ahead}`);
    }
  }

  async #publish(index: number): Promise<void> {
    if (this.messages[index]?.revoked) this.faults.push(`${index} was published though it was revoked`);
    await this.#scheduler.schedule(Promise.resolve(), `publish ${index}`);
    if (index === this.#program.poison) {
      this.#poisoned = true;
      throw refused;
    }
    if (this.#fails(index)) throw new Error("no connection");
  }

  #fails(index: number): boolean {
    const failed = this.#failed[index] ?? 0;
    this.#failed[index] = failed + 1;
    return failed < this.#plan(index).failures;
  }

  #settled(index: number): Promise<void> | void {
    if (!this.#plan(index).late) {
      this.#left.add(index);
      return undefined;
    }
    return this.#scheduler.schedule(Promise.resolve(), `settle ${index}`).then(() => {
      this.#left.add(index);
    });
  }

  #scheduleEvents(): void {
    for (const [index, { revoked }] of this.#program.plans.entries()) {
      if (!revoked) continue;
      void this.#scheduler
        .schedule(Promise.resolve(), `revoke ${index}`)
        .then(() => this.messages[index]?.revoke());
    }
    const steps = this.#program.endings.map((ending) => ({
      label: ending,
      builder: async () => {
        await this.clock.advance(60);
        if (ending === "end" || ending === "fail") this.#endStream(ending);
        else this.run[ending]().catch(() => undefined);
      },
    }));
    const last = { label: "last", builder: async () => this.#endStream("end") };
    void this.#scheduler.scheduleSequence([...steps, last]).task;
  }

  #endStream(how: "end" | "fail"): void {
    try {
      if (how === "end") this.subscriber.end();
      else this.subscriber.fail(broken);
    } catch {
      // It has ended before.
    }
  }

  async #checkEnd(): Promise<void> {
    const { stats } = this.run;
    expectBalanced(stats);
    if (this.error !== undefined) expect([broken, refused]).toContain(this.error);
    if (this.error === refused) expect(this.#poisoned).toBe(true);
    expect(this.subscriber.closed).toBe(true);
    for (const message of this.messages) expect(message.settlements.length).toBeLessThanOrEqual(1);
    for (const message of this.subscriber.pulled) {
      expect(message.settled || message.revoked !== undefined, "settled, or goes back").toBe(true);
    }
    if (this.report) expect(this.report.left).toHaveLength(this.report.inFlight);
    // What was under way is let go of, so that nothing is left that waits.
    while (this.#scheduler.count() > 0) await this.#scheduler.waitNext(1);
    await this.clock.flush();
    expect(this.clock.timers).toBe(0);
    expect(this.run.stats.continuations).toBe(0);
    expect(this.faults).toEqual([]);
    expectBalanced(this.run.stats);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it("keeps the order of a key, loses nothing and ends, whatever fails when", { timeout: 60_000 }, async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  await fc.assert(
    fc.asyncProperty(program, fc.scheduler(), (given, scheduler) => new World(given, scheduler).play()),
    { numRuns: 500 },
  );
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});
