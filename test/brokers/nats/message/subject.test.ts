import { describe, expect, it } from "vitest";
import { checkPattern, checkSubject, subjectFault } from "../../../../src/brokers/nats/message/subject.ts";
import { checkToken } from "../../../../src/brokers/nats/options.ts";

const long = "a".repeat(3_001);

describe("a subject to publish to", () => {
  it.each(["a", "orders.eu.1", "a*b.c>", "$JS.API.INFO", "ä.日本"])("may be %s", (subject) => {
    expect(subjectFault(subject)).toBeUndefined();
  });

  it.each([
    ["orders.*", "wildcard"],
    ["orders.>", "wildcard"],
    ["a b", "space"],
    ["a\tb", "space"],
    ["", "empty token"],
    [".a", "empty token"],
    ["a..b", "empty token"],
    [long, "3001 bytes"],
  ])("may not be %s", (subject, why) => {
    expect(subjectFault(subject)).toContain(why);
  });
});

describe("a subject to subscribe to", () => {
  it("has no wildcard, and the error says what to use", () => {
    expect(checkSubject("subject", "a.b")).toBe("a.b");
    expect(() => checkSubject("subject", "a.*", "; there is another")).toThrow(
      /without the wildcard.*there is another/,
    );
    expect(() => checkSubject("subject", "a..b")).toThrow(/empty token/);
    expect(() => checkSubject("subject", 5)).toThrow(/subject must be/);
  });

  it("as a pattern has > at its end only", () => {
    expect(checkPattern("pattern", "a.*.>")).toBe("a.*.>");
    expect(() => checkPattern("pattern", "a.>.b")).toThrow(/only at its end/);
    expect(() => checkPattern("pattern", "a. >")).toThrow(/space/);
  });
});

it("names of groups, streams and consumers are one token", () => {
  expect(checkToken("options.group", "billing-1_a")).toBe("billing-1_a");
  for (const bad of ["a.b", "a b", "*", ">", "a/b", "a\\b", ""]) {
    expect(() => checkToken("options.group", bad)).toThrow(/options.group must be/);
  }
});
