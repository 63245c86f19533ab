import { describe, expect, it } from "vitest";
import { hasWildcard, Pattern } from "../../../../src/brokers/memory/options/pattern.ts";
import { InvalidArgumentError } from "../../../../src/traits/errors.ts";

describe("Pattern", () => {
  it.each([
    ["orders.*", "orders.new", true],
    ["orders.*", "orders", false],
    ["orders.*", "orders.new.eu", false],
    ["*.new", "orders.new", true],
    ["*.new", "orders.old", false],
    ["orders.>", "orders.new", true],
    ["orders.>", "orders.new.eu", true],
    ["orders.>", "orders", false],
    ["orders.*.>", "orders.new.eu", true],
    ["orders.*.>", "orders.new", false],
    [">", "orders", true],
    [">", "orders.new.eu", true],
    ["*", "orders", true],
    ["*", "orders.new", false],
    ["orders", "orders", true],
    ["orders*", "orders1", false],
    [">", "_inbox.1", false],
  ])("%s on %s: %s", (pattern, topic, matches) => {
    expect(new Pattern("pattern", pattern).matches(topic)).toBe(matches);
  });

  it.each([">.orders", "orders.>.eu", ">.>"])('refuses %s: ">" stands at the end only', (pattern) => {
    expect(() => new Pattern("pattern", pattern)).toThrow(InvalidArgumentError);
  });
});

describe("hasWildcard", () => {
  it.each([
    ["orders", false],
    ["orders.*", true],
    [">", true],
    ["a.>.b", true],
    ["orders*", false],
    ["a>b", false],
  ])("%s: %s", (topic, expected) => {
    expect(hasWildcard(topic)).toBe(expected);
  });
});
