import { MemoryBroker, memoryPatternSource, memorySource, UnknownOptionError } from "tidelane";
import { describe, expect, it } from "vitest";
import { setUp } from "../support.ts";

/** As a JavaScript user writes them: without a compiler. */
// biome-ignore lint/suspicious/noExplicitAny: any options at all
const given = (options: object): any => options;

describe("an option that nobody reads is refused", () => {
  it.each([
    [{ clok: 1 }, 'new MemoryBroker(options) has no option "clok"; the nearest one is "clock"'],
    [{ topics: { a: { retian: true } } }, 'has no option "topics["a"].retian"; the nearest one is "retain"'],
    [
      { topics: { a: { retain: { message: 1 } } } },
      '"topics["a"].retain.message"; the nearest one is "messages"',
    ],
    [
      { topics: { a: { capacity: { max: 1 } } } },
      '"topics["a"].capacity.max"; the options here are bytes, messages',
    ],
  ])("by the broker: %j", (options, text) => {
    expect(() => new MemoryBroker(given(options))).toThrow(UnknownOptionError);
    expect(() => new MemoryBroker(given(options))).toThrow(text);
  });

  it.each([
    [{ gruop: "g" }, 'has no option "gruop"; the nearest one is "group"'],
    [{ deadLetter: { topic: "dead", maxDelivery: 3 } }, '"deadLetter.maxDelivery"'],
  ])("by subscriptions and sources: %j", async (options, text) => {
    const { connection } = await setUp();
    const calls = {
      "subscribe(topic, options)": () => connection.subscribe("a", given(options)),
      "subscribePattern(pattern, options)": () => connection.subscribePattern("a.*", given(options)),
      "memorySource(topic, options)": async () => memorySource("a", given(options)),
      "memoryPatternSource(pattern, options)": async () => memoryPatternSource("a.*", given(options)),
    };
    for (const [call, make] of Object.entries(calls)) {
      const attempt = make();
      await expect(attempt).rejects.toThrow(UnknownOptionError);
      await expect(attempt).rejects.toThrow(call);
      await expect(attempt).rejects.toThrow(text);
    }
  });

  it("by the calls of a connection, a publisher and a subscriber", async () => {
    const { broker, connection, publisher } = await setUp();
    const subscriber = await connection.subscribe("a");
    const message = { topic: "a", payload: "" };
    const calls = {
      "connect(options)": () => broker.connect(given({ sigal: 1 })),
      "publish(message, options)": () => publisher.publish(message, given({ sigal: 1 })),
      "checkTopic(topic, options)": () => publisher.checkTopic("a", given({ sigal: 1 })),
      "request(message, options)": () => publisher.request(message, given({ timeoutMs: 1, sigal: 1 })),
      "transaction(work, options)": () => publisher.transaction(async () => 1, given({ sigal: 1 })),
      "batches(options)": async () => subscriber.batches(given({ max: 1, maxWait: 1 })),
    };
    for (const [call, make] of Object.entries(calls)) {
      await expect(make()).rejects.toThrow(new RegExp(`^${call.replace(/[()]/g, "\\$&")} has no option`));
    }
  });
});
