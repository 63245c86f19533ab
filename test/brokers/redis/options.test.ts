import { RedisBroker, redisSource } from "tidelane/redis";
import { describe, expect, it } from "vitest";
import { checkPublisherOptions } from "../../../src/brokers/redis/options.ts";

describe("options of the broker", () => {
  it.each([
    [{ heartBeatMs: 1 }, 'no option "heartBeatMs"; the nearest one is "heartbeatMs"'],
    [{ reconnect: { maxAttempt: 1 } }, 'no option "reconnect.maxAttempt"; the nearest one is "maxAttempts"'],
    [{ publishTimeoutMs: -1 }, "options.publishTimeoutMs must be a number of milliseconds, 0 or more"],
    [{ reconnect: { initialMs: -1 } }, "options.reconnect.initialMs must be"],
    [{ connect: { waitMs: Number.NaN } }, "options.connect.waitMs must be"],
  ])("%j are refused", (options, sentence) => {
    expect(() => new RedisBroker(options as object)).toThrow(sentence);
  });

  it("need no connection, and show no credential", () => {
    const broker = new RedisBroker({ url: "redis://joe:hunter2@localhost" });
    expect(broker.name).toBe("redis");
    expect(JSON.stringify(broker)).not.toContain("hunter2");
  });

  it("a pattern is refused, as a group belongs to one stream", () => {
    expect(() => new RedisBroker().source("a.*", { pattern: true })).toThrow(
      'The pattern "a.*" is not supported',
    );
    expect(new RedisBroker().source("a", { group: "g" }).capabilities.backlog).toBe(true);
  });
});

describe("options of a subscription", () => {
  it.each([
    ["", {}, "redisSource(stream) must be a non-empty string"],
    ["a", { groups: "g" }, 'redisSource("a", options) has no option "groups"; the nearest one is "group"'],
    ["a", { maxInFlight: 0 }, "options.maxInFlight must be a whole number of at least 1"],
    ["a", { ackDeadlineMs: 99 }, "options.ackDeadlineMs must be a whole number of at least 100"],
    ["a", { from: "end" }, "options.from must be"],
    ["a", { from: new Date(Number.NaN) }, "options.from must be"],
    ["a", { from: { after: "5" } }, "options.from must be"],
    ["a", { from: { after: `${2n ** 64n}-0` } }, "options.from must be"],
    ["a", { create: "yes" }, "options.create must be true or false"],
    ["a", { deadLetter: { topic: "a" } }, "options.deadLetter.topic must be another stream"],
    ["a", { deadLetter: { topic: "b", maxDeliveries: 0 } }, "options.deadLetter.maxDeliveries must be"],
  ])("of %j, %j are refused", (stream, options, sentence) => {
    expect(() => redisSource(stream, options as object)).toThrow(sentence);
  });

  it("say what the source promises", () => {
    const { capabilities } = redisSource("a", {
      group: "g",
      from: "new",
      maxInFlight: 5,
      ackDeadlineMs: 1_000,
      deadLetter: { topic: "b" },
    });
    expect(capabilities).toMatchObject({
      backlog: false,
      maxInFlight: 5,
      ackDeadlineMs: 1_000,
      deadLetter: true,
    });
    expect(redisSource("a").capabilities).toMatchObject({ backlog: false, deadLetter: false });
  });
});

describe("options of a publisher", () => {
  it.each([
    [{ trim: {} }, "options.trim must be an object with either maxLength or minId"],
    [{ trim: { maxLength: 1, minId: () => "1-0" } }, "options.trim must be"],
    [{ trim: { maxLength: -1 } }, "options.trim.maxLength must be"],
    [{ trim: { minId: "1-0" } }, "options.trim.minId must be a function"],
    [{ trim: { maxlength: 1 } }, 'no option "trim.maxlength"; the nearest one is "maxLength"'],
    [{ create: 1 }, "options.create must be"],
  ])("%j are refused", (options, sentence) => {
    expect(() => checkPublisherOptions(options as object)).toThrow(sentence);
  });
});
