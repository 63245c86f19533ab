import {
  channel,
  classified,
  createApp,
  fixed,
  MemoryBroker,
  PermanentError,
  RetryableError,
  text,
} from "tidelane";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";

const orders = channel("orders", { codec: text });
const policy = {
  maxAttempts: 4,
  deadLetter: "dead",
  backoff: { initialMs: 10, factor: 1, jitter: 0 },
} as const;
type AppOptions = Omit<Parameters<typeof createApp>[0], "name" | "broker" | "brokers">;
const make = (options: Partial<AppOptions> = {}) =>
  createApp({ name: "shop", broker: new MemoryBroker(), ...(options as object) });

const failing = async (error: unknown, options: Partial<AppOptions> = { onFailure: policy }) => {
  const app = make(options);
  const reported: unknown[] = [];
  app.subscribe(orders, { onError: ({ error: told, next }) => reported.push([told, next]) }, async () => {
    throw error;
  });
  const test = await testApp(app);
  await test.publish(orders, "tea");
  return { test, reported };
};

describe("a PermanentError", () => {
  it("sets the message aside at its first attempt, and is reported with what comes of it", async () => {
    const error = new PermanentError("no such customer");
    const { test, reported } = await failing(error);
    expect(test.deadLettered(orders)).toMatchObject([
      { value: "tea", attempts: 1, reason: expect.stringContaining("no such customer") },
    ]);
    expect(reported).toEqual([[error, { kind: "dead-letter" }]]);
    await test.close();
  });

  it("drops it where the policy says so, and retries it where there is no place", async () => {
    const dropped = await failing(new PermanentError("no"), {
      onFailure: { maxAttempts: 9, deadLetter: "drop" },
    });
    expect(dropped.test.settled(orders)).toMatchObject([{ outcome: "drop", attempts: 1 }]);
    await dropped.test.close();
    const kept = await failing(new PermanentError("no"), {});
    expect(kept.test.retried(orders)).toHaveLength(1);
    await kept.test.close();
  });

  it("may be an error of one's own that says it is permanent, and may hold nothing at all", async () => {
    const own = await failing(Object.assign(new Error("gone"), { permanent: true }));
    expect(own.test.deadLettered(orders)).toHaveLength(1);
    await own.test.close();
    const hostile = {
      get permanent(): boolean {
        throw new Error("do not look");
      },
    };
    const odd = { retryAfterMs: Number.NaN };
    for (const thrown of [null, undefined, "text", 3, hostile, odd, { retryAfterMs: "7" }]) {
      const { test } = await failing(thrown);
      expect(test.retried(orders)).toMatchObject([{ delayMs: 10 }]);
      await test.close();
    }
  });
});

describe("a RetryableError", () => {
  it("is tried again after its own delay, and ends with maxAttempts all the same", async () => {
    const { test } = await failing(new RetryableError("busy", { afterMs: 500 }));
    expect(test.retried(orders)).toMatchObject([{ attempt: 1, delayMs: 500 }]);
    await test.advance(499);
    expect(test.retried(orders)).toHaveLength(1);
    await test.advance(1_501);
    expect(test.deadLettered(orders)).toMatchObject([{ attempts: 4 }]);
    await test.close();
  });

  it("refuses a delay that is none", () => {
    expect(() => new RetryableError("busy", { afterMs: -1 })).toThrow(
      "afterMs must be a number of milliseconds",
    );
    expect(new RetryableError("busy", { cause: 3 })).toMatchObject({ cause: 3, retryAfterMs: undefined });
  });
});

describe("classified", () => {
  it("takes a list of delays, whose last one is for all later attempts", async () => {
    const middleware = [classified({ delays: [100, 2_000] })];
    const { test, reported } = await failing(new Error("away"), { onFailure: policy, middleware });
    await test.advance(10_000);
    expect(test.retried(orders).map(({ delayMs }) => delayMs)).toEqual([100, 2_000, 2_000]);
    expect(test.deadLettered(orders)).toMatchObject([
      { attempts: 4, reason: expect.stringContaining("away") },
    ]);
    expect(reported).toHaveLength(4);
    await test.close();
  });

  it("takes a function of attempt and error, which may leave the delay to the backoff", async () => {
    const delays = (attempt: number, error: unknown) =>
      attempt === 1 ? (error as Error).message.length * 100 : undefined;
    const { test } = await failing(new Error("away"), {
      onFailure: policy,
      middleware: [classified({ delays })],
    });
    await test.advance(1_000);
    expect(test.retried(orders).map(({ delayMs }) => delayMs)).toEqual([400, 10, 10]);
    await test.close();
  });

  it("asks whether an error is permanent, unless the error has said it", async () => {
    const middleware = [classified({ permanent: () => true })];
    const gone = await failing(new Error("gone"), { onFailure: policy, middleware });
    expect(gone.test.deadLettered(orders)).toMatchObject([{ attempts: 1 }]);
    await gone.test.close();
    const kept = await failing(new RetryableError("busy", { afterMs: 7 }), { onFailure: policy, middleware });
    expect(kept.test.retried(orders)).toMatchObject([{ delayMs: 7 }]);
    await kept.test.close();
  });

  it("leaves what did not fail alone, and a delay that is none is a failure of its own", async () => {
    const app = make({ middleware: [classified({ delays: () => -1 })], onFailure: policy });
    let fail = false;
    app.subscribe(orders, () => {
      if (fail) throw new Error("away");
    });
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(test.settled(orders)).toMatchObject([{ outcome: "ack" }]);
    fail = true;
    await test.publish(orders, "ale");
    expect(test.story()).toContain(
      "classified(options): what delays returned must be a number of milliseconds",
    );
  });

  it.each<[string, () => unknown, string]>([
    ["no options", () => classified(undefined as never), "classified(options) must be an object of options"],
    [
      "an unknown one",
      () => classified({ delay: [1] } as never),
      'no option "delay"; the nearest one is "delays"',
    ],
    [
      "no list",
      () => classified({ delays: [] }),
      "delays must be a function, or a list of milliseconds with at least one",
    ],
    ["no delay", () => classified({ delays: [1, -1] }), "delays[1] must be a number of milliseconds"],
    ["no predicate", () => classified({ permanent: true as never }), "permanent must be a function"],
    ["no fixed delay", () => fixed(-1), "fixed(delayMs) must be a number of milliseconds"],
  ])("refuses %s", (_name, declare, sentence) => {
    expect(declare).toThrow(sentence);
  });
});

it("fixed() is a backoff that is always the same, however long", async () => {
  const onFailure = { backoff: fixed(90_000) };
  const { test } = await failing(new Error("away"), { onFailure });
  await test.advance(200_000);
  expect(test.retried(orders).map(({ delayMs }) => delayMs)).toEqual([90_000, 90_000, 90_000]);
  await test.close();
});
