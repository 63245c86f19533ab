import { describe, expect, it } from "vitest";
import { UsageError } from "../../../scripts/arguments.ts";
import { readArguments } from "../../../scripts/faults/arguments.ts";

describe("the arguments of npm run faults", () => {
  it("are a broker, and what is needed to do a round again", () => {
    const { plugIn, ...given } = readArguments(["jetstream", "--seed", "5", "--round", "3"]);
    expect(plugIn.name).toBe("jetstream");
    expect(given).toEqual({ rounds: 20, only: 3, seed: 5, messages: 20_000, json: undefined, notes: false });
  });

  it("choose a seed where none is given", () => {
    const { seed } = readArguments(["nats-io"]);
    expect(Number.isSafeInteger(seed)).toBe(true);
  });

  it.each([
    [[], "No broker was named."],
    [["memory"], 'There is no broker "memory" here.'],
    [["jetstream", "rabbitmq"], 'One broker at a time: "rabbitmq" is too much.'],
    [["jetstream", "--rounds", "0"], '--rounds must be a whole number of at least 1; received "0".'],
    [
      ["jetstream", "--messages", "1e9x"],
      '--messages must be a whole number of at least 100; received "1e9x".',
    ],
    [["jetstream", "--seed", "1.5"], '--seed must be a whole number of at least 0; received "1.5".'],
    [["jetstream", "--sed", "1"], "--sed"],
  ])("are refused with a sentence: %j", (args, sentence) => {
    expect(() => readArguments(args)).toThrow(UsageError);
    expect(() => readArguments(args)).toThrow(sentence);
  });
});
