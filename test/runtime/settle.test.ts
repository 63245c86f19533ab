import { describe, expect, it } from "vitest";
import { type CheckedPolicy, checkPolicy, type FailurePolicy } from "../../src/runtime/failure-policy.ts";
import { ack, deadLetter, drop, retry, retryAfter } from "../../src/runtime/outcome.ts";
import { decide, setAside, settle } from "../../src/runtime/settle.ts";
import { RecordingMessage } from "../../src/testing/index.ts";
import { DecodeError, DeliveryRevokedError } from "../../src/traits/errors.ts";
import { MessageHeaders } from "../../src/traits/headers.ts";
import { settledAtOnce } from "../../src/traits/message.ts";
import { RecordingPublisher } from "../promises/stage.ts";

const publisher = new RecordingPublisher();
const target = { topic: "dead", publisher };
const policy = (given: FailurePolicy): CheckedPolicy => checkPolicy(given);
const first = { attempt: 1, retries: 0 };
const third = { attempt: 3, retries: 2 };
const failure = (error: unknown) => ({ kind: "failure", error }) as const;
const noJitter = () => 0;

describe("decide", () => {
  it("takes the handler's word for ack, drop and dead letter, however many attempts there were", () => {
    const strict = policy({ maxAttempts: 1, deadLetter: "drop" });
    expect(decide(ack(), third, strict, noJitter)).toEqual({ kind: "ack" });
    expect(decide(drop(), third, strict, noJitter)).toEqual({ kind: "drop" });
    expect(decide(deadLetter("x"), first, strict, noJitter)).toEqual({ kind: "dead-letter", reason: "x" });
  });

  it("holds a failure for the backoff, counted from the runs in this process", () => {
    const lenient = policy({});
    expect(decide(failure("x"), first, lenient, noJitter)).toEqual({ kind: "hold", delayMs: 100 });
    expect(decide(failure("x"), third, lenient, noJitter)).toEqual({ kind: "hold", delayMs: 400 });
    const redelivered = { attempt: 9, retries: 0 };
    expect(decide(retry(), redelivered, lenient, noJitter)).toEqual({ kind: "hold", delayMs: 100 });
    expect(decide(retryAfter(7), third, lenient, noJitter)).toEqual({ kind: "hold", delayMs: 7 });
    expect(decide(retryAfter(0), third, lenient, noJitter)).toEqual({ kind: "hold", delayMs: 0 });
  });

  it("gives back in the redeliver mode, with the backoff of the broker's count", () => {
    const redeliver = policy({ mode: "redeliver" });
    const redelivered = { attempt: 3, retries: 0 };
    expect(decide(failure("x"), redelivered, redeliver, noJitter)).toEqual({
      kind: "redeliver",
      delayMs: 400,
    });
    expect(decide(retryAfter(7), redelivered, redeliver, noJitter)).toEqual({
      kind: "redeliver",
      delayMs: 7,
    });
  });

  it("gives up at the last attempt, for a throw and for a retry asked for", () => {
    const error = new RangeError("too far");
    const bounded = policy({ maxAttempts: 3, deadLetter: target });
    expect(decide(failure(error), { attempt: 2, retries: 1 }, bounded, noJitter).kind).toBe("hold");
    expect(decide(failure(error), third, bounded, noJitter)).toEqual({
      kind: "dead-letter",
      reason: "given up after 3 attempts; the handler failed: RangeError: too far",
      error,
    });
    expect(decide(retryAfter(1), third, bounded, noJitter)).toEqual({
      kind: "dead-letter",
      reason: "given up after 3 attempts; the handler asked for another retry",
      error: undefined,
    });
    const dropping = policy({ maxAttempts: 3, deadLetter: "drop" });
    expect(decide(failure(error), third, dropping, noJitter)).toEqual({ kind: "drop" });
  });
});

describe("setAside", () => {
  const error = new DecodeError({ topic: "orders", reason: "no" });

  it("goes where dead letters go, and nowhere without such a place", () => {
    const letter = { kind: "dead-letter", reason: `DecodeError: ${error.message}`, error };
    expect(setAside(error, policy({ deadLetter: target }))).toEqual(letter);
    expect(setAside(error, policy({ deadLetter: "broker" }))).toEqual(letter);
    expect(setAside(error, policy({ maxAttempts: 1, deadLetter: "drop" }))).toEqual({ kind: "drop" });
    expect(setAside(error, policy({}))).toBeUndefined();
  });
});

describe("settle", () => {
  const delivery = (message: RecordingMessage) => ({ message, attempt: 4 });

  it("turns each decision into one settle of the message", async () => {
    const decisions = [
      [{ kind: "ack" }, { settle: "ack" }],
      [{ kind: "drop" }, { settle: "nack", requeue: false }],
      [
        { kind: "redeliver", delayMs: 0 },
        { settle: "nack", requeue: true },
      ],
      [
        { kind: "redeliver", delayMs: 5 },
        { settle: "nackAfter", delayMs: 5 },
      ],
      [
        { kind: "dead-letter", reason: "x" },
        { settle: "nack", requeue: false },
      ],
    ] as const;
    for (const [decision, settlement] of decisions) {
      const message = new RecordingMessage();
      await settle(delivery(message), decision, "broker");
      expect(message.settlements).toEqual([settlement]);
    }
  });

  it("is over at once where the broker answers at once", () => {
    expect(settle(delivery(new RecordingMessage()), { kind: "ack" }, undefined)).toBe(settledAtOnce);
  });

  it("publishes a dead letter as the message was, with what happened in its headers, then acks", async () => {
    const payload = new Uint8Array([0, 255, 128]);
    const headers = [
      ["trace", "1"],
      ["trace", new Uint8Array([9])],
      ["X-Tidelane-Dead-Letter-Reason", "an older one"],
    ] as const;
    const message = new RecordingMessage({ topic: "orders", payload, headers, partitionKey: "k" });
    const decision = {
      kind: "dead-letter",
      reason: "bad\r\nnews\u0000",
      error: new RangeError("far"),
    } as const;
    await settle(delivery(message), decision, target);
    const [published] = publisher.published.splice(0);
    expect(published).toMatchObject({ topic: "dead", payload, key: "k" });
    expect([...MessageHeaders.from(published?.headers)]).toEqual([
      ["trace", "1"],
      ["trace", new Uint8Array([9])],
      ["x-tidelane-dead-letter-reason", "bad news "],
      ["x-tidelane-dead-letter-source", "orders"],
      ["x-tidelane-dead-letter-attempts", "4"],
      ["x-ruststream-retry-count", "4"],
      ["x-tidelane-retry-topic", "orders"],
      ["x-tidelane-dead-letter-error", "RangeError: far"],
    ]);
    expect(message.settlements).toEqual([{ settle: "ack" }]);
  });

  it("keeps a long reason to what a header carries, and well formed", async () => {
    const reason = `${"x".repeat(1_023)}\u{1f600}`;
    await settle(delivery(new RecordingMessage()), { kind: "dead-letter", reason }, target);
    const [published] = publisher.published.splice(0);
    const headers = MessageHeaders.from(published?.headers);
    expect(headers.get("x-tidelane-dead-letter-reason")).toBe(`${"x".repeat(1_023)}\ufffd`);
    expect(published).not.toHaveProperty("key");
    expect(headers.has("x-tidelane-dead-letter-error")).toBe(false);
  });

  it("publishes nothing for a delivery that is revoked: it will come again", async () => {
    const message = new RecordingMessage();
    message.revoke();
    const settling = settle(delivery(message), { kind: "dead-letter", reason: "x" }, target);
    await expect(settling).rejects.toBeInstanceOf(DeliveryRevokedError);
    expect(publisher.published).toEqual([]);
  });
});
