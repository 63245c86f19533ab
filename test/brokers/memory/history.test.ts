import fc from "fast-check";
import type { MemoryConnection, MemoryMessage, MemorySubscriber } from "tidelane";
import { expect, it } from "vitest";
import { setUp, take } from "./support.ts";

const maxInFlight = 4;
const capacity = 10;

/** One message as one group sees it, without a thought of speed. */
interface Known {
  readonly sequence: number;
  deliveries: number;
  /** In flight, or when it is back in the queue. */
  holder: MemoryMessage | undefined;
  dueAt: number;
}

type Step =
  | { readonly do: "publish" | "take" | "reopen" | "kill" }
  | { readonly do: "settle"; readonly how: "ack" | "nack" | "drop" | "later"; readonly which: number }
  | { readonly do: "wait"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("publish" as const) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      how: fc.constantFrom("ack" as const, "nack" as const, "drop" as const, "later" as const),
      which: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 60 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("reopen" as const, "kill" as const) }) },
);

/** Runs a history on the broker and on an array, and compares them after each step. */
class Run {
  readonly #tools: Awaited<ReturnType<typeof setUp>>;
  readonly #known: Known[] = [];
  /** Publishes that wait, oldest first. */
  readonly #blocked: { sequence: number; sent: boolean }[] = [];
  #consumers: MemoryConnection;
  #subscriber: MemorySubscriber;
  #sequence = 0;

  private constructor(
    tools: Awaited<ReturnType<typeof setUp>>,
    consumers: MemoryConnection,
    subscriber: MemorySubscriber,
  ) {
    this.#tools = tools;
    this.#consumers = consumers;
    this.#subscriber = subscriber;
  }

  static async start(): Promise<Run> {
    const tools = await setUp({ topics: { orders: { capacity: { messages: capacity } } } });
    const consumers = await tools.broker.connect();
    return new Run(tools, consumers, await consumers.subscribe("orders", { group: "g", maxInFlight }));
  }

  async step(next: Step): Promise<void> {
    if (next.do === "publish") this.#publish();
    else if (next.do === "take") this.#take();
    else if (next.do === "settle") await this.#settle(next.how, next.which);
    else if (next.do === "wait") await this.#tools.clock.advance(next.ms);
    else await this.#reopen(next.do);
    await this.#tools.clock.advance(0);
    this.#admit();
    expect(this.#blocked.filter((publish) => publish.sent)).toEqual([]);
  }

  /** Everything that was published comes, in order, once the rest is given back and due. */
  async finish(): Promise<void> {
    await this.#reopen("reopen");
    await this.#tools.clock.advance(1000);
    for (;;) {
      const before = this.#known.length + this.#blocked.length;
      this.#take();
      for (const known of this.#held()) await this.#settleOne(known, "ack");
      await this.#tools.clock.advance(0);
      this.#admit();
      if (this.#known.length + this.#blocked.length === before) break;
    }
    expect([this.#known, this.#blocked]).toEqual([[], []]);
    await this.#consumers.close();
    expect(this.#tools.clock.timers).toBe(0);
  }

  #publish(): void {
    this.#sequence += 1;
    const entry = { sequence: this.#sequence, sent: false };
    const sent = this.#tools.publisher.publish({ topic: "orders", payload: String(entry.sequence) });
    this.#blocked.push(entry);
    void sent.then(() => {
      entry.sent = true;
    });
    this.#admit();
  }

  /** The model lets in what has room; `sent` of exactly those turns true by the next look. */
  #admit(): void {
    while (this.#known.length < capacity) {
      const entry = this.#blocked.shift();
      if (entry === undefined) return;
      this.#known.push({ sequence: entry.sequence, deliveries: 0, holder: undefined, dueAt: 0 });
    }
  }

  #take(): void {
    const now = this.#tools.clock.now();
    const free = maxInFlight - this.#held().length;
    const expected = this.#known
      .filter((known) => known.holder === undefined && known.dueAt <= now)
      .slice(0, free);
    const taken = take(this.#subscriber);
    for (const known of expected) known.deliveries += 1;
    expect(taken.map((message) => [Number(message.text()), message.deliveryCount])).toEqual(
      expected.map((known) => [known.sequence, known.deliveries]),
    );
    expected.forEach((known, index) => {
      known.holder = taken[index];
    });
  }

  async #settle(how: "ack" | "nack" | "drop" | "later", which: number): Promise<void> {
    const held = this.#held();
    const known = held[which % Math.max(1, held.length)];
    if (known !== undefined) await this.#settleOne(known, how);
  }

  async #settleOne(known: Known, how: "ack" | "nack" | "drop" | "later"): Promise<void> {
    const { holder } = known;
    known.holder = undefined;
    if (how === "ack") await holder?.ack();
    else if (how === "nack") await holder?.nack();
    else if (how === "drop") await holder?.nack({ requeue: false });
    else await holder?.nackAfter(50);
    if (how === "ack" || how === "drop") this.#known.splice(this.#known.indexOf(known), 1);
    if (how === "later") known.dueAt = this.#tools.clock.now() + 50;
  }

  async #reopen(how: "reopen" | "kill"): Promise<void> {
    const revoked = this.#held();
    if (how === "kill") this.#consumers.kill();
    else await this.#subscriber.close();
    for (const known of revoked) {
      await expect(known.holder?.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
      known.holder = undefined;
    }
    if (how === "kill") this.#consumers = await this.#tools.broker.connect();
    this.#subscriber = await this.#consumers.subscribe("orders", { group: "g" });
  }

  #held(): Known[] {
    return this.#known.filter((known) => known.holder !== undefined);
  }
}

it("any history of a group goes as it does on a plain array: order, counts, bounds, nothing lost", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const run = await Run.start();
      for (const next of steps) await run.step(next);
      await run.finish();
    }),
    { numRuns: 100 },
  );
}, 60_000);
