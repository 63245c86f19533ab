import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  backoffDelay,
  checkPolicy,
  checkPolicyFits,
  type FailurePolicy,
} from "../../src/runtime/failure-policy.ts";
import { ScriptedSubscriber } from "../../src/testing/index.ts";
import { InvalidArgumentError } from "../../src/traits/errors.ts";
import { RecordingPublisher } from "../promises/stage.ts";

const { capabilities } = new ScriptedSubscriber();
const publisher = new RecordingPublisher();

describe("checkPolicy", () => {
  it("has a default for everything, which loses nothing", () => {
    expect(checkPolicy({})).toEqual({
      mode: "in-place",
      backoff: { initialMs: 100, factor: 2, maxMs: 30_000, jitter: 0.2 },
      maxAttempts: Number.POSITIVE_INFINITY,
      deadLetter: undefined,
    });
  });

  it("keeps what is given", () => {
    const backoff = { initialMs: 0, factor: 1, maxMs: 0, jitter: 1 };
    const target = { topic: "dead", publisher };
    const given = { mode: "redeliver", backoff, maxAttempts: 1, deadLetter: target } as const;
    expect(checkPolicy(given)).toEqual(given);
    expect(checkPolicy({ deadLetter: "broker" }).deadLetter).toBe("broker");
    expect(checkPolicy({ maxAttempts: 2, deadLetter: "drop" }).deadLetter).toBe("drop");
  });

  it.each([
    ["initialMs", -1],
    ["initialMs", Number.NaN],
    ["initialMs", Number.POSITIVE_INFINITY],
    ["maxMs", -1],
    ["maxMs", "1s"],
    ["factor", 0.5],
    ["factor", Number.NaN],
    ["factor", Number.POSITIVE_INFINITY],
    ["jitter", -0.1],
    ["jitter", 1.1],
    ["jitter", Number.NaN],
  ])("refuses a backoff with %s %s, and names it", (name, value) => {
    const check = () => checkPolicy({ backoff: { [name]: value } });
    expect(check).toThrow(InvalidArgumentError);
    expect(check).toThrow(`onFailure: backoff.${name}`);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "3"])(
    "refuses maxAttempts %s",
    (maxAttempts) => {
      const policy = { maxAttempts, deadLetter: "drop" } as FailurePolicy;
      expect(() => checkPolicy(policy)).toThrow("onFailure: maxAttempts");
    },
  );

  it("refuses maxAttempts without a word on what comes after the last", () => {
    expect(() => checkPolicy({ maxAttempts: 3 } as unknown as FailurePolicy)).toThrow(
      "onFailure: deadLetter must be",
    );
  });

  it("refuses to drop after a last attempt that never comes", () => {
    expect(() => checkPolicy({ deadLetter: "drop" } as unknown as FailurePolicy)).toThrow(
      'onFailure: maxAttempts must be given when deadLetter is "drop"',
    );
  });

  it.each([
    "dlq",
    null,
    5,
    {},
    { topic: "dead" },
    { topic: "dead", publisher: {} },
    { publisher },
    { topic: "", publisher },
    { topic: "a\nb", publisher },
  ])("refuses the dead letter target %j", (deadLetter) => {
    expect(() => checkPolicy({ deadLetter } as unknown as FailurePolicy)).toThrow("onFailure: deadLetter");
  });

  it.each([null, undefined, "drop", 3])("refuses %s for a policy", (policy) => {
    expect(() => checkPolicy(policy as unknown as FailurePolicy)).toThrow(InvalidArgumentError);
  });

  it("refuses a mode there is not", () => {
    expect(() => checkPolicy({ mode: "later" } as unknown as FailurePolicy)).toThrow("onFailure: mode");
  });

  it("refuses a backoff that is no object", () => {
    expect(() => checkPolicy({ backoff: 100 } as unknown as FailurePolicy)).toThrow("onFailure: backoff");
  });
});

describe("checkPolicyFits", () => {
  it("refuses to redeliver where the source cannot requeue", () => {
    const policy = checkPolicy({ mode: "redeliver" });
    expect(() => checkPolicyFits(policy, { ...capabilities, requeue: false })).toThrow("cannot requeue");
    expect(() => checkPolicyFits(policy, { ...capabilities, requeue: true })).not.toThrow();
  });

  it("refuses to redeliver where a redelivery has no delay, which would spin", () => {
    const policy = checkPolicy({ mode: "redeliver" });
    expect(() => checkPolicyFits(policy, { ...capabilities, delayedRequeue: "none" })).toThrow("would spin");
    expect(() => checkPolicyFits(policy, { ...capabilities, delayedRequeue: "local" })).not.toThrow();
  });

  it("refuses to leave dead letters to a broker that does not set them aside", () => {
    const policy = checkPolicy({ deadLetter: "broker" });
    expect(() => checkPolicyFits(policy, { ...capabilities, deadLetter: false })).toThrow("set dropped");
    expect(() => checkPolicyFits(policy, { ...capabilities, deadLetter: true })).not.toThrow();
  });
});

describe("backoffDelay", () => {
  const { backoff } = checkPolicy({});

  it("doubles from its start to its cap", () => {
    const delays = [1, 2, 3, 8, 9, 10, 100_000].map((retry) => backoffDelay(backoff, retry, () => 0));
    expect(delays).toEqual([100, 200, 400, 12_800, 25_600, 30_000, 30_000]);
  });

  it("takes off up to its share of jitter", () => {
    expect(backoffDelay(backoff, 1, () => 0.5)).toBe(90);
    expect(backoffDelay(backoff, 1, () => 1)).toBe(80);
  });

  it("is a delay at most the cap for any policy that passes the check", () => {
    const given = fc.record({
      initialMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      factor: fc.double({ min: 1, max: Number.MAX_SAFE_INTEGER, noNaN: true }),
      maxMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(given, fc.integer({ min: 1, max: 1e6 }), share, (each, retry, random) => {
        const delayMs = backoffDelay(checkPolicy({ backoff: each }).backoff, retry, () => random);
        expect(delayMs).toBeGreaterThanOrEqual(0);
        expect(delayMs).toBeLessThanOrEqual(each.maxMs);
      }),
    );
  });

  it("stays 0 from 0, however often it is multiplied", () => {
    const none = { initialMs: 0, factor: 10, maxMs: 1_000, jitter: 0 };
    expect(backoffDelay(none, 5_000, () => 0)).toBe(0);
  });
});
