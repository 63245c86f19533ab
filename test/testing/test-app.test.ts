import { channel, createApp, json, MemoryBroker, memorySource, text } from "tidelane";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";

const orders = channel("orders", { codec: text, key: (order) => order });
const invoices = channel("invoices", { codec: text });
const letters = channel("letters", { codec: text });
const make = () => createApp({ name: "shop", broker: new MemoryBroker() });

describe("testApp", () => {
  it("drives a cascade of handlers to its end", async () => {
    const app = make();
    app.subscribe(orders, { group: "billing", workers: 4 }, async (order, { publish }) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await publish(invoices, `bill for ${order}`);
    });
    app.subscribe(invoices, (invoice, { publish, afterSettle }) => {
      afterSettle(() => publish(letters, `${invoice}, posted`));
    });
    app.subscribe(letters, () => undefined);
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(test.received(letters)).toEqual(["bill for tea, posted"]);
    expect(test.published(orders)).toEqual([]);
    expect(test.settled(letters)).toEqual([{ value: "bill for tea, posted", outcome: "ack", attempts: 1 }]);
  });

  it("gives a source of the broker's own, and subscriptions without a group, their messages", async () => {
    const app = make();
    const got: string[] = [];
    app.subscribe(
      orders,
      { source: memorySource("orders", { group: "own" }) },
      (order) => void got.push(`a ${order}`),
    );
    app.subscribe(orders, (order) => void got.push(`b ${order}`));
    app.subscribe(orders, { group: "c" }, (order) => void got.push(`c ${order}`));
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    expect(got.sort()).toEqual(["a tea", "b tea", "c tea"]);
  });

  it("begins anew each time: no message, no time and no state of the last test", async () => {
    let starts = 0;
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      onStart: () => {
        starts += 1;
        return { start: starts };
      },
    });
    app.subscribe(orders, () => {
      throw new Error("poison");
    });
    for (const start of [1, 2]) {
      await using test = await testApp(app);
      expect(test.state).toEqual({ start });
      expect(test.received(orders)).toEqual([]);
      await test.publish(orders, "tea");
      await test.advance(100);
      expect(test.retried(orders).map(({ delayMs }) => delayMs)).toEqual([100, 200]);
      expect(test.clock.now()).toBe(100);
    }
  });

  it("takes a state in place of the hooks that make and release one", async () => {
    const log: string[] = [];
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      onStart: () => {
        log.push("onStart");
        return "a database";
      },
      onReady: () => void log.push("onReady"),
      onStop: () => void log.push("onStop"),
    });
    app.subscribe(orders, (_order, { state }) => void log.push(state));
    const test = await testApp(app, { state: "a double" });
    await test.publish(orders, "tea");
    await test.close();
    expect(log).toEqual(["onReady", "a double"]);
  });

  it("shows what happened when an expectation fails", async () => {
    const app = make();
    app.subscribe(orders, () => {
      throw new Error("no paper");
    });
    await using test = await testApp(app);
    await test.publish(orders, "tea");
    const failed = (): void => test.expectPublished(invoices, ["bill for tea"]);
    expect(failed).toThrow(`Expected the app to publish to "invoices": [ 'bill for tea' ]
It published: []
What happened:
  the test published 'tea' to "orders"
  "orders" received 'tea'
  "orders" failed 'tea': Error: no paper
  "orders" retries 'tea' in 100 ms, after attempt 1`);
    test.expectPublished(invoices, []);
  });

  it("sees a payload that does not decode, and where it went", async () => {
    const app = make();
    const strict = channel("strict", { codec: json });
    app.subscribe(strict, { onFailure: { deadLetter: "dead" } }, () => undefined);
    await using test = await testApp(app);
    await app.connection().publisher().publish({ topic: "strict", payload: "{" });
    await test.quiet();
    expect(test.received(strict)).toEqual([]);
    expect(test.deadLettered(strict)).toMatchObject([
      { value: undefined, topic: "dead", attempts: 1, reason: expect.stringContaining("not JSON") },
    ]);
  });

  it("says which handlers keep the app busy", async () => {
    const app = make();
    app.subscribe(
      orders,
      (_order, { signal }) =>
        new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined))),
    );
    await using test = await testApp(app, { patienceMs: 20 });
    await expect(test.publish(orders, "tea")).rejects.toThrow(
      /^The app is not quiet after 20 ms: 1 handlers have not returned\. What happened:\n {2}the test published 'tea'/,
    );
  });

  it("is one at a time, of an app that does not run, and ends with its app free", async () => {
    const app = make();
    const test = await testApp(app);
    await expect(testApp(app)).rejects.toThrow("neither runs nor is under another test");
    await test.close();
    await (await testApp(app)).close();
    await app.start();
    await expect(testApp(app)).rejects.toThrow("an app that is running");
    await app.drain();
  });

  it("leaves the app free when the start fails", async () => {
    let fail = true;
    const app = createApp({
      name: "shop",
      broker: new MemoryBroker(),
      onReady: () => {
        if (fail) throw new Error("not today");
      },
    });
    await expect(testApp(app)).rejects.toThrow("not today");
    fail = false;
    await (await testApp(app)).close();
  });

  it("refuses what is no app, an unknown option, and a channel that nobody handles", async () => {
    await expect(testApp({} as never)).rejects.toThrow(
      "testApp(app) must be an app, as createApp() gives one",
    );
    const app = make();
    app.subscribe(orders, () => undefined);
    await expect(testApp(app, { sate: 1 } as never)).rejects.toThrow(
      'has no option "sate"; the nearest one is "state"',
    );
    await using test = await testApp(app);
    expect(() => test.received(invoices)).toThrow(
      'test.received(channel) must be a channel that the app subscribes to: "orders"; received "invoices".',
    );
  });
});
