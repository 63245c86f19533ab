import { subscribe, unsubscribe } from "node:diagnostics_channel";
import fc from "fast-check";
import {
  by,
  type Codec,
  deadLetter,
  drop,
  type Outcome,
  type Run,
  retry,
  retryAfter,
  SettleUnsupportedError,
  text,
} from "tidelane";
import type { RecordingMessage } from "tidelane/testing";
import { expect, it } from "vitest";
import { expectBalanced, RecordingPublisher, Stage } from "./stage.ts";

const fates = [
  "ack",
  "drop",
  "dead",
  "throw",
  "retry",
  "self",
  "revoke",
  "undecodable",
  "keyless",
  "no key",
  "settle fails",
  "settle refused",
  "publish fails",
] as const;
type Fate = (typeof fates)[number];

interface Plan {
  readonly fate: Fate;
  readonly key: string;
  /** Ticks of 10 ms the handler takes; at 0 it returns at once. */
  readonly ticks: number;
  readonly lateDecode: boolean;
  readonly lateSettle: boolean;
}

const plan: fc.Arbitrary<Plan> = fc.record({
  fate: fc.constantFrom(...fates),
  key: fc.constantFrom("a", "b", "c"),
  ticks: fc.nat({ max: 3 }),
  lateDecode: fc.boolean(),
  lateSettle: fc.boolean(),
});

const channels = ["tidelane:delivery", "tidelane:settle", "tidelane:retry", "tidelane:error"] as const;

/** Plays the plans to the end, looking at the statistics at every event there is. */
class Play extends Stage {
  readonly #plans: readonly Plan[];
  readonly #publisher = new RecordingPublisher();
  run: Run | undefined;
  looks = 0;

  constructor(plans: readonly Plan[]) {
    super();
    this.#plans = plans;
    this.subscriber.deliver(...plans.map((each, index) => this.#messageOf(each, index))).end();
  }

  readonly look = (): void => {
    if (this.run) expectBalanced(this.run.stats);
    this.looks += 1;
  };

  start(mode: "in-place" | "redeliver", workers: number): Run {
    this.run = this.pipeline
      .decode(this.#codec())
      .workers(
        workers,
        by((value, message) => this.#keyOf(value, message)),
        { maxInFlight: workers + 3 },
      )
      .onFailure({ mode, maxAttempts: 3, deadLetter: { topic: "dead", publisher: this.#publisher } })
      .handle((_value, { message, attempt }) => this.#handle(message, attempt));
    return this.run;
  }

  #messageOf({ fate, lateSettle }: Plan, index: number): RecordingMessage {
    const onSettle = async (): Promise<void> => {
      await this.#sleep(5);
      this.look();
    };
    const message = this.message(String(index), lateSettle ? { onSettle } : {});
    if (fate === "settle fails") message.rejectNextSettle(new Error("reset"));
    const refusal = { topic: "orders", settle: "ack", reason: "not now" };
    if (fate === "settle refused") message.rejectNextSettle(new SettleUnsupportedError(refusal));
    return message;
  }

  #codec(): Codec<Plan> {
    const plain = (payload: string): Plan => {
      const given = this.#plans[Number(payload)] as Plan;
      if (given.fate === "undecodable") throw new Error("garbage");
      return given;
    };
    const decode = (message: { text(): string }): Plan | Promise<Plan> => {
      const { lateDecode } = this.#plans[Number(message.text())] as Plan;
      return lateDecode ? this.#sleep(3).then(() => plain(message.text())) : plain(message.text());
    };
    return { ...text, decode, encode: () => new Uint8Array() };
  }

  #keyOf(value: Plan, _message: unknown): string | undefined {
    if (value.fate === "no key") throw new Error("no key");
    return value.fate === "keyless" ? undefined : value.key;
  }

  #handle(message: RecordingMessage, attempt: number): Outcome | Promise<Outcome> {
    this.look();
    const given = this.#plans[Number(message.text())] as Plan;
    const act = (): Outcome => this.#act(given, message, attempt);
    return given.ticks === 0 ? act() : this.#sleep(10 * given.ticks).then(act);
  }

  #act({ fate }: Plan, message: RecordingMessage, attempt: number): Outcome {
    this.look();
    if (fate === "throw") throw new Error("planned");
    if (fate === "retry") return attempt < 3 ? retryAfter(15) : retry();
    if (fate === "self") void message.ack().catch(() => undefined);
    if (fate === "revoke") message.revoke();
    if (fate === "publish fails") this.#publisher.failNext(new Error("no connection"));
    if (fate === "drop") return drop();
    return fate === "dead" || fate === "publish fails" ? deadLetter("planned") : { kind: "ack" };
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.schedule(ms, resolve));
  }
}

it("each delivery is counted once, at every moment, until all have left", async () => {
  const given = [
    fc.array(plan, { minLength: 1, maxLength: 12 }),
    fc.constantFrom("in-place" as const, "redeliver" as const),
    fc.integer({ min: 1, max: 4 }),
    fc.constantFrom("end", "drain", "stop"),
  ] as const;
  const property = fc.asyncProperty(...given, async (plans, mode, workers, ending) => {
    const play = new Play(plans);
    for (const channel of channels) subscribe(channel, play.look);
    const run = play.start(mode, workers);
    await play.clock.advance(12);
    if (ending === "drain") void run.drain();
    if (ending === "stop") void run.stop();
    await play.clock.advance(60_000);
    const report = await run.done;
    for (const channel of channels) unsubscribe(channel, play.look);
    expectBalanced(report);
    expect(report.inFlight).toBe(report.left.length);
    expect(report.pulled).toBe(play.subscriber.pulled.length);
    if (ending !== "stop") expect([report.inFlight, report.lanes]).toEqual([0, 0]);
    if (ending === "end") expect(report.pulled).toBe(plans.length);
    expect(report.peakInFlight).toBeLessThanOrEqual(workers + 3);
    expect(play.looks).toBeGreaterThan(0);
    expect(play.clock.timers).toBe(0);
  });
  await fc.assert(property, { numRuns: 400 });
}, 60_000);
