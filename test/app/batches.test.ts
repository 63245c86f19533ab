import fc from "fast-check";
import {
  ack,
  batches,
  channel,
  createApp,
  deadLetter,
  drop,
  MemoryBroker,
  memorySource,
  retryAfter,
  text,
} from "tidelane";
import { testApp, VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";

const plain = channel("plain", { codec: text });
const keyed = channel("keyed", { codec: text, key: (value) => value.slice(0, 1) });
const make = () => createApp({ name: "shop", broker: new MemoryBroker() });
const failing = { maxAttempts: 2, deadLetter: "dead", backoff: { initialMs: 100 } } as const;

describe("a handler of batches", () => {
  it("gets up to max values, in the order they came, or those there are when the time is over", async () => {
    const app = make();
    const got: (readonly string[])[] = [];
    app.subscribe(plain, { batch: batches({ max: 3, maxWaitMs: 50 }) }, (values) => {
      got.push(values);
    });
    await using test = await testApp(app);
    for (const value of ["1", "2", "3", "4", "5"]) await test.publish(plain, value);
    expect(got).toEqual([["1", "2", "3"]]);
    await test.advance(49);
    expect(got).toHaveLength(1);
    await test.advance(1);
    expect(got).toEqual([
      ["1", "2", "3"],
      ["4", "5"],
    ]);
    expect(test.settled(plain).map(({ outcome }) => outcome)).toEqual(Array(5).fill("ack"));
  });

  it("gets the context of each message, and one of all", async () => {
    const app = createApp({ name: "shop", broker: new MemoryBroker(), onStart: () => ({ rate: 2 }) });
    const seen: unknown[] = [];
    app.subscribe(keyed, { batch: batches({ max: 2 }) }, async (values, batch) => {
      const { deliveries, state, signal, channel: of, publish } = batch;
      for (const [index, { key, attempt, message }] of deliveries.entries()) {
        seen.push([values[index], key, attempt, message.text()]);
      }
      seen.push(state, signal.aborted, of);
      await publish(plain, `${values.length}`);
    });
    await using test = await testApp(app);
    await test.publish(keyed, "a1");
    await test.publish(keyed, "b1");
    expect(seen).toEqual([["a1", "a", 1, "a1"], ["b1", "b", 1, "b1"], { rate: 2 }, false, keyed]);
    expect(test.published(plain)).toEqual(["2"]);
  });

  it("has at most one message of a key in a batch, so that its order holds", async () => {
    const app = make();
    const got: (readonly string[])[] = [];
    app.subscribe(keyed, { batch: batches({ max: 10, maxWaitMs: 5 }) }, (values) => {
      got.push(values);
    });
    await using test = await testApp(app);
    for (const value of ["a1", "a2", "b1"]) await test.publish(keyed, value);
    await test.advance(5);
    await test.advance(5);
    expect(got).toEqual([["a1", "b1"], ["a2"]]);
  });

  it("returns one outcome for all, or one for each", async () => {
    const app = make();
    app.subscribe(plain, { batch: batches({ max: 4 }), onFailure: failing }, (_values, { deliveries }) => {
      if (deliveries.length === 1) return drop();
      return [undefined, ack(), retryAfter(100), deadLetter("no")];
    });
    await using test = await testApp(app);
    for (const value of ["1", "2", "3", "4"]) await test.publish(plain, value);
    expect(test.retried(plain)).toMatchObject([{ value: "3", delayMs: 100 }]);
    expect(test.deadLettered(plain)).toMatchObject([{ value: "4", reason: "no" }]);
    await test.advance(100);
    await test.advance(10);
    expect(test.settled(plain).map(({ value, outcome }) => `${value} ${outcome}`)).toEqual([
      ...["1 ack", "2 ack", "3 drop", "4 dead-letter"],
    ]);
  });

  it("that throws fails them all, and each is tried again by itself", async () => {
    const app = make();
    const got: string[] = [];
    app.subscribe(plain, { batch: batches({ max: 3 }), onFailure: failing }, (values) => {
      got.push(values.join());
      if (values.includes("poison")) throw new Error("bad row");
    });
    await using test = await testApp(app);
    for (const value of ["1", "poison", "3"]) await test.publish(plain, value);
    await test.advance(100);
    expect(got).toEqual(["1,poison,3", "1", "poison", "3"]);
    expect(test.deadLettered(plain)).toMatchObject([{ value: "poison", attempts: 2 }]);
    expect(test.settled(plain).filter(({ outcome }) => outcome === "ack")).toHaveLength(2);
  });

  it.each([
    ["too few outcomes", [ack()]],
    ["too many", [ack(), ack(), ack()]],
    ["none", []],
  ])("that returns %s has failed, and says so", async (_name, outcomes) => {
    const app = make();
    app.subscribe(plain, { batch: batches({ max: 2 }), onFailure: failing }, () => outcomes);
    await using test = await testApp(app);
    await test.publish(plain, "1");
    await test.publish(plain, "2");
    expect(test.retried(plain).map(({ value }) => value)).toEqual(["1", "2"]);
    expect(test.story()).toContain(
      `A handler of batches returned ${outcomes.length} outcomes for 2 messages; it returns one for all of them, or a list with one for each.`,
    );
  });

  it("that returns something that is no outcome is told so, for the message it was for", async () => {
    const app = make();
    app.subscribe(plain, { batch: batches({ max: 2 }), onFailure: failing }, (() => [undefined, 3]) as never);
    await using test = await testApp(app);
    await test.publish(plain, "1");
    await test.publish(plain, "2");
    expect(test.settled(plain)).toMatchObject([{ value: "1", outcome: "ack" }]);
    expect(test.story()).toContain("A handler returned 3; it returns nothing or an outcome");
  });

  it("runs as many batches at once as there are workers", async () => {
    const app = make();
    const open: (() => void)[] = [];
    app.subscribe(
      plain,
      { batch: batches({ max: 2 }), workers: 2 },
      () => new Promise((done) => open.push(done)),
    );
    await app.start();
    for (const value of ["1", "2", "3", "4", "5", "6"]) await app.publisher(plain).publish(value);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(open).toHaveLength(2);
    open.shift()?.();
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(open).toHaveLength(2);
    const drained = app.drain();
    while (open.length > 0) {
      open.shift()?.();
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await drained).runs).toMatchObject([{ handled: 6, left: [] }]);
  });

  it("is not given what waited for it when the app is stopped", async () => {
    const clock = new VirtualClock();
    const broker = new MemoryBroker({ clock });
    const app = createApp({ name: "shop", broker, clock });
    let called = 0;
    app.subscribe(plain, { batch: batches({ max: 2, maxWaitMs: 100 }) }, () => {
      called += 1;
    });
    await app.start();
    await app.publisher(plain).publish("1");
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    const stopped = app.stop({ deadlineMs: 1_000 });
    await clock.advance(100);
    await stopped;
    expect(called).toBe(0);
  });

  it("sees the end of its time in the signal, and the failure policy decides", async () => {
    const app = make();
    app.subscribe(
      plain,
      { batch: batches({ max: 2 }), timeoutMs: 1_000, onFailure: { maxAttempts: 1, deadLetter: "dead" } },
      (_values, { signal }) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined))),
    );
    await using test = await testApp(app, { patienceMs: 20 });
    await test.publish(plain, "1");
    await expect(test.publish(plain, "2")).rejects.toThrow("2 handlers have not returned");
    await test.advance(1_000);
    expect(test.deadLettered(plain)).toHaveLength(2);
  });

  it("has its middleware around each message", async () => {
    const seen: unknown[] = [];
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      middleware: [
        async ({ value }, next) => {
          const outcome = await next();
          seen.push([value, outcome.kind]);
          return outcome;
        },
      ],
    });
    app.subscribe(plain, { batch: batches({ max: 2 }) }, () => [drop(), ack()]);
    await using test = await testApp(app);
    await test.publish(plain, "1");
    await test.publish(plain, "2");
    expect(seen).toEqual([
      ["1", "drop"],
      ["2", "ack"],
    ]);
  });

  it("keeps the order of every key and loses nothing, whatever becomes of the batches", async () => {
    const fate = fc.constantFrom("ack", "retry", "throw");
    const messages = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.array(fate, { maxLength: 2 })), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(
        messages,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 2 }),
        async (plan, max, workers) => {
          const app = make();
          const left = plan.map(([, fates]) => [...fates]);
          const done: string[] = [];
          const onFailure = { backoff: { initialMs: 7, factor: 1, jitter: 0 } };
          app.subscribe(
            keyed,
            { batch: batches({ max, maxWaitMs: 5 }), workers, onFailure },
            async (values) => {
              expect(values.length).toBeLessThanOrEqual(max);
              const keys = values.map((value) => value.slice(0, 1));
              expect(new Set(keys).size).toBe(keys.length);
              await undefined;
              const fates = values.map((value) => left[Number(value.slice(1))]?.shift() ?? "ack");
              if (fates.includes("throw")) throw new Error("as planned");
              for (const [index, each] of fates.entries())
                if (each === "ack") done.push(values[index] as string);
              return fates.map((each) => (each === "ack" ? ack() : retryAfter(3)));
            },
          );
          await using test = await testApp(app);
          for (const [index, [key]] of plan.entries()) await test.publish(keyed, `${key}${index}`);
          for (let round = 0; round < 200 && done.length < plan.length; round += 1) await test.advance(5);
          for (const key of ["a", "b", "c"]) {
            const expected = plan.flatMap(([of], index) => (of === key ? [`${key}${index}`] : []));
            expect(done.filter((value) => value.startsWith(key))).toEqual(expected);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe("batches() and its subscription", () => {
  const untyped = (): { subscribe(...given: unknown[]): void } => make() as never;
  it.each<[string, () => unknown, string]>([
    ["no options", () => batches(undefined as never), "batches(options) must be an object of options"],
    [
      "an unknown option",
      () => batches({ mx: 3 } as never),
      'batches(options) has no option "mx"; the nearest one is "max"',
    ],
    [
      "no size",
      () => batches({ max: 0 }),
      "batches(options): max must be a whole number of at least 1; received 0.",
    ],
    [
      "no time",
      () => batches({ max: 1, maxWaitMs: -1 }),
      "batches(options): maxWaitMs must be a number of milliseconds",
    ],
    [
      "the bare numbers",
      () => untyped().subscribe(plain, { batch: { max: 3 } }, () => undefined),
      'app.subscribe("plain"): batch must be what batches({ max, maxWaitMs }) gives; received an object (Object).',
    ],
    [
      "no room for a full batch",
      () =>
        untyped().subscribe(
          plain,
          { batch: batches({ max: 100 }), workers: 2, maxInFlight: 150 },
          () => undefined,
        ),
      "maxInFlight must be a whole number of at least 200, or Infinity; received 150.",
    ],
  ])("refuse %s", (_name, declare, sentence) => {
    expect(declare).toThrow(sentence);
  });

  it("are described", () => {
    const app = make();
    app.subscribe(keyed, { batch: batches({ max: 50 }), workers: 2 }, () => undefined);
    app.subscribe(plain, { source: memorySource("plain"), batch: batches({ max: 10 }) }, () => undefined);
    const [first, second] = app.describe().subscriptions;
    expect(first).toMatchObject({ batch: 50, workers: 2 });
    expect(first?.order).toMatch(/^Messages of one key are handled one after another/);
    expect(second?.order).toContain("up to 10 messages are handled at once, without order");
  });
});
