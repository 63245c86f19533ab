import { describe, expect, it } from "vitest";
import { UsageError } from "../../../scripts/arguments.ts";
import { readArguments, usageOf } from "../../../scripts/soak/arguments.ts";

const brokers = ["memory", "kafka"];

describe("the arguments of npm run soak", () => {
  it("are a broker, an hour by default, and a seed of its own", () => {
    const { seed, ...given } = readArguments(["kafka"], brokers);
    expect(given).toEqual({ broker: "kafka", minutes: 60, keepGoing: false });
    expect(Number.isSafeInteger(seed)).toBe(true);
  });

  it("are what replays a soak", () => {
    const args = ["memory", "--minutes", "3", "--seed", "5", "--keep-going"];
    expect(readArguments(args, brokers)).toEqual({ broker: "memory", minutes: 3, seed: 5, keepGoing: true });
  });

  it.each([
    [[], "No broker was named."],
    [["redis"], 'There is no broker "redis" here.'],
    [["memory", "kafka"], 'One broker at a time: "kafka" is too much.'],
    [["memory", "--minutes", "0"], '--minutes must be a whole number of at least 1; received "0".'],
    [["memory", "--seed", "x"], '--seed must be a whole number of at least 0; received "x".'],
    [["memory", "--minute", "3"], "--minute"],
  ])("are refused with a sentence: %j", (args, sentence) => {
    expect(() => readArguments(args, brokers)).toThrow(UsageError);
    expect(() => readArguments(args, brokers)).toThrow(sentence);
  });

  it("are all in the usage", () => {
    const usage = usageOf(brokers, ["kafka"]);
    for (const word of [...brokers, "--minutes", "--seed", "--keep-going"]) expect(usage).toContain(word);
  });
});
