import { describe, expect, it } from "vitest";
import type { KafkaMessage } from "../../../../src/brokers/kafka/message/message.ts";
import { DeliveryRevokedError, isTidelaneError } from "../../../../src/traits/errors.ts";
import { Bench, taken, texts } from "../fake/bench.ts";
import { FakeKafkaError } from "../fake/cluster.ts";

async function opened() {
  const bench = new Bench();
  bench.cluster.createTopic("results");
  bench.cluster.publish("orders", ["a", "b", "c"]);
  const connection = await bench.connect();
  const subscriber = await bench.settled(
    connection.subscribe("orders", { group: "g", from: "start", commitIntervalMs: 10_000 }),
  );
  const iterator = subscriber[Symbol.asyncIterator]();
  const results = (): (string | null)[] => bench.cluster.log("results").values();
  return { bench, subscriber, iterator, publisher: connection.publisher(), results };
}

function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe("a transaction", () => {
  it("makes all it published visible together, and gives what its work gave", async () => {
    const { bench, publisher, results } = await opened();
    const answer = publisher.transaction(async (inner) => {
      await inner.publish({ topic: "results", payload: "1" });
      void inner.publish({ topic: "results", payload: "2" });
      expect(results()).toEqual([]);
      return 42;
    });
    expect(await bench.settled(answer)).toBe(42);
    expect(results()).toEqual(["1", "2"]);
    expect(bench.kafka.producer.config.transactionalId).toMatch(/^tidelane-.+-0$/);
  });

  it("of which the work throws makes nothing visible, and rethrows", async () => {
    const { bench, publisher, results } = await opened();
    const reason = new Error("no");
    const answer = failure(
      publisher.transaction(async (inner) => {
        await inner.publish({ topic: "results", payload: "1" });
        throw reason;
      }),
    );
    expect(await bench.settled(answer)).toBe(reason);
    expect(results()).toEqual([]);
    expect(bench.kafka.producer.transactions[0]?.state).toBe("aborted");
    await bench.settled(
      publisher.transaction(async (inner) => inner.publish({ topic: "results", payload: "2" })),
    );
    expect(bench.kafka.producers).toHaveLength(1);
    expect(results()).toEqual(["2"]);
  });

  it("does not commit when a publish nobody awaited failed", async () => {
    const { bench, publisher, results } = await opened();
    const answer = failure(
      publisher.transaction(async (inner) => {
        await inner.publish({ topic: "results", payload: "1" });
        bench.kafka.producer.failures.push(new FakeKafkaError("MESSAGE_TOO_LARGE"));
        inner.publish({ topic: "results", payload: "2" }).catch(() => undefined);
      }),
    );
    const error = await bench.settled(answer);
    expect(isTidelaneError(error, "TIDELANE_TRANSACTION")).toBe(true);
    expect(results()).toEqual([]);
  });

  it("publishes no more after its end", async () => {
    const { bench, publisher } = await opened();
    let inner: { publish: typeof publisher.publish } | undefined;
    await bench.settled(
      publisher.transaction(async (given) => {
        inner = given;
      }),
    );
    const error = await failure(inner?.publish({ topic: "results", payload: "late" }) ?? Promise.resolve());
    expect(isTidelaneError(error, "TIDELANE_TRANSACTION")).toBe(true);
  });

  it("may overlap another, with a producer of its own", async () => {
    const { bench, publisher, results } = await opened();
    let finish: () => void = () => undefined;
    const slow = publisher.transaction(async (inner) => {
      await inner.publish({ topic: "results", payload: "slow" });
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    await bench.flush();
    await bench.settled(
      publisher.transaction(async (inner) => inner.publish({ topic: "results", payload: "quick" })),
    );
    expect(results()).toEqual(["quick"]);
    finish();
    await bench.settled(slow);
    expect(results()).toEqual(["quick", "slow"]);
    const ids = bench.kafka.producers.map(({ config }) => config.transactionalId?.slice(-2));
    expect(ids).toEqual(["-0", "-1"]);
  });

  it("can be given up", async () => {
    const { bench, publisher, results } = await opened();
    const abort = new AbortController();
    const answer = failure(
      publisher.transaction(
        async (inner) => {
          await inner.publish({ topic: "results", payload: "1" });
          await new Promise(() => undefined);
        },
        { signal: abort.signal },
      ),
    );
    await bench.flush();
    abort.abort();
    expect(isTidelaneError(await bench.settled(answer), "TIDELANE_ABORTED")).toBe(true);
    expect(results()).toEqual([]);
  });

  it("of which the commit has no answer says that nobody knows, and its producer is replaced", async () => {
    const { bench, publisher } = await opened();
    const answer = failure(
      publisher.transaction(async (inner) => {
        await inner.publish({ topic: "results", payload: "1" });
        const transaction = bench.kafka.producer.transactions.at(-1);
        if (transaction) transaction.commitFailure = { error: new FakeKafkaError("x"), done: true };
      }),
    );
    expect(String(await bench.settled(answer))).toContain("whether it is visible is not known");
    await bench.settled(publisher.transaction(async () => undefined));
    expect(bench.kafka.producers).toHaveLength(2);
  });
});

describe("a transaction that consumes", () => {
  it("settles what it consumed with its commit", async () => {
    const { bench, iterator, publisher, results } = await opened();
    const consumed = await taken(bench, iterator, 2);
    const answer = publisher.transaction(
      async (inner) => {
        for (const message of consumed) {
          await inner.publish({ topic: "results", payload: message.text().toUpperCase() });
        }
        expect(bench.committed()).toBe(0);
      },
      { consumed },
    );
    await bench.settled(answer);
    expect(results()).toEqual(["A", "B"]);
    expect(bench.committed()).toBe(2);
    expect(consumed.every(({ settled }) => settled)).toBe(true);
    const commits = bench.cluster.group("g").commits;
    await bench.clock.advance(10_000);
    expect(bench.committed()).toBe(2);
    expect(bench.cluster.group("g").commits).toBe(commits);
  });

  it("waits while the server finishes the one before", async () => {
    const { bench, iterator, publisher } = await opened();
    const consumed = await taken(bench, iterator, 1);
    const answer = publisher.transaction(
      async () => {
        const transaction = bench.kafka.producer.transactions.at(-1);
        if (transaction) transaction.busy = 3;
      },
      { consumed },
    );
    await bench.clock.advance(60);
    await bench.settled(answer);
    expect(bench.committed()).toBe(1);
  });

  it("leaves what it consumed unsettled when the work throws", async () => {
    const { bench, iterator, publisher } = await opened();
    const consumed = await taken(bench, iterator, 1);
    const answer = failure(publisher.transaction(() => Promise.reject(new Error("no")), { consumed }));
    await bench.settled(answer);
    expect(consumed[0]?.settled).toBe(false);
    await consumed[0]?.nack();
    expect((await taken(bench, iterator)).map(({ deliveryCount }) => deliveryCount)).toContain(2);
  });

  it("of which the commit has no answer looks whether the offsets moved", async () => {
    for (const done of [true, false]) {
      const { bench, iterator, publisher, results } = await opened();
      const consumed = await taken(bench, iterator, 1);
      const answer = failure(
        publisher.transaction(
          async (inner) => {
            await inner.publish({ topic: "results", payload: "1" });
            const transaction = bench.kafka.producer.transactions.at(-1);
            if (transaction) transaction.commitFailure = { error: new FakeKafkaError("x"), done };
          },
          { consumed },
        ),
      );
      const error = await bench.settled(answer);
      expect(error === undefined).toBe(done);
      expect(results()).toEqual(done ? ["1"] : []);
      expect(consumed[0]?.settled).toBe(done);
    }
  });

  it("refuses what does not follow on the committed offset", async () => {
    const { bench, iterator, publisher } = await opened();
    const [a, b] = await taken(bench, iterator);
    let ran = false;
    const work = async (): Promise<void> => {
      ran = true;
    };
    const error = await bench.settled(
      failure(publisher.transaction(work, { consumed: [b as KafkaMessage] })),
    );
    expect(String(error)).toContain(
      'it consumed offset 1 of "orders", and offset 0 before it is not settled',
    );
    expect(ran).toBe(false);
    await a?.ack();
    await bench.settled(publisher.transaction(work, { consumed: [b as KafkaMessage] }));
    expect(bench.committed()).toBe(2);
  });

  it("refuses what is settled, revoked, without a group, or from two subscriptions", async () => {
    const { bench, subscriber, iterator, publisher } = await opened();
    const [a] = await taken(bench, iterator, 1);
    const alone = await bench.subscribe("orders", { from: "start" });
    const [single] = await taken(bench, alone[Symbol.asyncIterator](), 1);
    const attempt = (...consumed: (KafkaMessage | undefined)[]): Promise<unknown> =>
      bench.settled(
        failure(publisher.transaction(async () => undefined, { consumed: consumed as KafkaMessage[] })),
      );
    expect(String(await attempt(single))).toContain("without a group");
    expect(String(await attempt(a, single))).toContain("more than one subscription");
    await a?.ack();
    expect(String(await attempt(a))).toContain("settled or revoked already");
    const [b] = await taken(bench, iterator, 1);
    await bench.settled(subscriber.close());
    expect(await attempt(b)).toBeInstanceOf(DeliveryRevokedError);
  });

  it("takes whole batches, with what was settled between", async () => {
    const { bench, iterator, publisher } = await opened();
    const [a, b, c] = await taken(bench, iterator);
    await b?.ack();
    await bench.settled(publisher.transaction(async () => undefined, { consumed: [c, a] as KafkaMessage[] }));
    expect(bench.committed()).toBe(3);
    bench.cluster.publish("orders", ["d"]);
    expect(texts(await taken(bench, iterator))).toEqual(["d"]);
  });
});

it("what was published in a transaction is answered before it is aborted", async () => {
  const bench = new Bench();
  const connection = await bench.connect();
  const published: Promise<void>[] = [];
  const failing = connection.publisher().transaction(async (transaction) => {
    published.push(transaction.publish({ topic: "orders", payload: "never" }));
    throw new Error("changed my mind");
  });
  const outcome = expect(failing).rejects.toThrow("changed my mind");
  await bench.flush();
  await outcome;
  expect(await Promise.allSettled(published)).toEqual([{ status: "fulfilled", value: undefined }]);
  expect(bench.cluster.log("orders", 0).values()).toEqual([]);
});
