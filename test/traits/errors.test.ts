import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import * as errors from "../../src/traits/errors.ts";

interface Case {
  readonly error: errors.TidelaneError;
  readonly code: errors.ErrorCode;
  readonly sentence: string;
  /** What stands in fields, beside `code` and `retryable`. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly retryable?: boolean;
}

const cause = new Error("ECONNRESET");
const topic = "orders";

const cases: Readonly<Record<string, Case>> = {
  AlreadySettledError: {
    error: new errors.AlreadySettledError({ topic, attempted: "nack" }),
    code: "TIDELANE_ALREADY_SETTLED",
    sentence: 'nack() on a message from "orders" that is already settled: a message is settled once.',
    facts: { topic, attempted: "nack" },
  },
  DeliveryRevokedError: {
    error: new errors.DeliveryRevokedError({ topic, reason: "its channel closed", cause }),
    code: "TIDELANE_DELIVERY_REVOKED",
    sentence: 'The delivery from "orders" was revoked (its channel closed): it can no longer be settled.',
    facts: { topic, reason: "its channel closed", cause },
  },
  SettleUnsupportedError: {
    error: new errors.SettleUnsupportedError({
      topic,
      settle: "requeue",
      reason: "there is nowhere to put it",
    }),
    code: "TIDELANE_SETTLE_UNSUPPORTED",
    sentence: 'requeue is not possible for a message from "orders": there is nowhere to put it.',
    facts: { topic, settle: "requeue", reason: "there is nowhere to put it" },
  },
  SubscriberBusyError: {
    error: new errors.SubscriberBusyError({ topic }),
    code: "TIDELANE_SUBSCRIBER_BUSY",
    sentence:
      'The subscriber of "orders" already has an active iterator: end that loop first, or open a second subscription.',
    facts: { topic },
  },
  ConnectionClosedError: {
    error: new errors.ConnectionClosedError({ broker: "memory", during: "publish()", cause }),
    code: "TIDELANE_CONNECTION_CLOSED",
    sentence: 'publish() is not possible: the connection to "memory" is closed.',
    facts: { broker: "memory", during: "publish()", cause },
  },
  ConnectFailedError: {
    error: new errors.ConnectFailedError({ broker: "memory", reason: "it is down", retryable: true, cause }),
    code: "TIDELANE_CONNECT_FAILED",
    sentence: 'Connecting to "memory" failed: it is down.',
    facts: { broker: "memory", reason: "it is down", cause },
    retryable: true,
  },
  InvalidMessageError: {
    error: new errors.InvalidMessageError({
      topic: "a\nb",
      reason: "a topic has no control characters",
      cause,
    }),
    code: "TIDELANE_INVALID_MESSAGE",
    sentence: 'The message for "a\\nb" was not sent: a topic has no control characters.',
    facts: { topic: "a\nb", reason: "a topic has no control characters", cause },
  },
  IntakeStalledError: {
    error: new errors.IntakeStalledError({ topic, inFlight: 256, failing: 200, stalledMs: 5_000 }),
    code: "TIDELANE_INTAKE_STALLED",
    sentence:
      'The run of "orders" has pulled nothing for 5000 ms: 200 of 256 in flight are retried, because they failed or asked for it again, and the others wait. Set maxAttempts in onFailure(), or a larger maxInFlight in workers().',
    facts: { topic, inFlight: 256, failing: 200, stalledMs: 5_000 },
  },
  InvalidArgumentError: {
    error: new errors.InvalidArgumentError({
      argument: "workers(n)",
      expected: "a whole number",
      received: "8",
    }),
    code: "TIDELANE_INVALID_ARGUMENT",
    sentence: 'workers(n) must be a whole number; received "8".',
    facts: { argument: "workers(n)", expected: "a whole number", received: '"8"' },
  },
  DecodeError: {
    error: new errors.DecodeError({ topic, reason: "the payload is not UTF-8 text", cause }),
    code: "TIDELANE_DECODE",
    sentence: 'A payload from "orders" did not decode: the payload is not UTF-8 text.',
    facts: { topic, reason: "the payload is not UTF-8 text", issues: [], cause },
  },
  KeyError: {
    error: new errors.KeyError({ topic, reason: "the key function threw", cause }),
    code: "TIDELANE_KEY",
    sentence: 'No key for a message from "orders": the key function threw.',
    facts: { topic, reason: "the key function threw", cause },
  },
  MissingDeadLetterError: {
    error: new errors.MissingDeadLetterError({ topic }),
    code: "TIDELANE_MISSING_DEAD_LETTER",
    sentence:
      'A handler of "orders" returned deadLetter(), but the pipeline has no dead letter topic: name one in onFailure({ deadLetter }).',
    facts: { topic },
  },
  NotSupportedError: {
    error: new errors.NotSupportedError({ capability: "seek()", reason: "the topic keeps no log" }),
    code: "TIDELANE_NOT_SUPPORTED",
    sentence: "seek() is not supported here: the topic keeps no log.",
    facts: { capability: "seek()", reason: "the topic keeps no log" },
  },
  PositionUnavailableError: {
    error: new errors.PositionUnavailableError({ topic, position: "12", available: "20 to 31" }),
    code: "TIDELANE_POSITION_UNAVAILABLE",
    sentence: '"orders" cannot seek to 12: available is 20 to 31.',
    facts: { topic, position: "12", available: "20 to 31" },
  },
  SubscriptionFailedError: {
    error: new errors.SubscriptionFailedError({ topic, reason: "the queue was deleted", cause }),
    code: "TIDELANE_SUBSCRIPTION_FAILED",
    sentence: 'The subscription of "orders" ended: the queue was deleted.',
    facts: { topic, reason: "the queue was deleted", cause },
  },
  TimeoutError: {
    error: new errors.TimeoutError({ what: "A request", timeoutMs: 50 }),
    code: "TIDELANE_TIMEOUT",
    sentence: "A request did not finish within 50 ms.",
    facts: { what: "A request", timeoutMs: 50 },
    retryable: true,
  },
  TransactionError: {
    error: new errors.TransactionError({ reason: "it is over already", cause }),
    code: "TIDELANE_TRANSACTION",
    sentence: "The transaction did not commit: it is over already.",
    facts: { reason: "it is over already", outcome: "aborted", cause },
  },
  UnknownOptionError: {
    error: new errors.UnknownOptionError({
      call: "new NatsBroker(options)",
      option: "sevrers",
      nearest: "servers",
      known: ["servers"],
    }),
    code: "TIDELANE_UNKNOWN_OPTION",
    sentence: 'new NatsBroker(options) has no option "sevrers"; the nearest one is "servers".',
    facts: { call: "new NatsBroker(options)", option: "sevrers", nearest: "servers", known: ["servers"] },
  },
  MessagesDroppedError: {
    error: new errors.MessagesDroppedError({ topic, dropped: 2, total: 9, reason: "the inbox was full" }),
    code: "TIDELANE_MESSAGES_DROPPED",
    sentence: '2 messages from "orders" were dropped (9 in all): the inbox was full.',
    facts: { topic, dropped: 2, total: 9, reason: "the inbox was full" },
  },
  PublishFailedError: {
    error: new errors.PublishFailedError({ topic, reason: "no stream takes it", retryable: false, cause }),
    code: "TIDELANE_PUBLISH_FAILED",
    sentence: 'The message for "orders" was not confirmed: no stream takes it.',
    facts: { topic, reason: "no stream takes it", cause },
  },
  RemoteError: {
    error: new errors.RemoteError({ topic, remoteCode: "UNKNOWN_ITEM", reason: "no price for that" }),
    code: "TIDELANE_REMOTE",
    sentence: 'The responder of "orders" failed with UNKNOWN_ITEM: no price for that.',
    facts: { topic, remoteCode: "UNKNOWN_ITEM", reason: "no price for that" },
  },
  AbortedError: {
    error: new errors.AbortedError({ what: "A publish", cause }),
    code: "TIDELANE_ABORTED",
    sentence: "A publish was aborted by its signal.",
    facts: { what: "A publish", cause },
  },
};

it("every class has its case here", () => {
  const classes = Object.values(errors).filter(
    (value) => typeof value === "function" && value.prototype instanceof errors.TidelaneError,
  );
  expect(classes.map((Class) => (Class as { name: string }).name).sort()).toEqual(Object.keys(cases).sort());
  expect(
    Object.values(cases)
      .map(({ code }) => code)
      .sort(),
  ).toEqual([...errors.errorCodes]);
});

describe.each(Object.entries(cases))("%s", (name, { error, code, sentence, facts, retryable = false }) => {
  it("reads as one sentence", () => {
    expect(error.message).toBe(sentence);
    expect(sentence).toMatch(/^[^\n]+[^.]\.$/);
    expect(String(error)).toBe(`${name}: ${sentence}`);
  });

  it("carries its code, its facts, and whether to try again", () => {
    expect(error.code).toBe(code);
    expect(error.retryable).toBe(retryable);
    for (const [fact, value] of Object.entries(facts)) expect(error).toHaveProperty(fact, value);
    expect(error.cause).toBe(facts["cause"]);
  });

  it("is an Error, and bears the brand where nobody trips over it", () => {
    expect(error).toBeInstanceOf(Error);
    expect(errors.isTidelaneError(error)).toBe(true);
    expect(errors.isTidelaneError(error, code)).toBe(true);
    const another = errors.errorCodes.find((candidate) => candidate !== code);
    expect(errors.isTidelaneError(error, another)).toBe(false);
    expect(Object.getOwnPropertyDescriptor(error, Symbol.for("tidelane.error"))).toEqual({
      value: true,
      writable: false,
      enumerable: false,
      configurable: false,
    });
  });
});

describe("a sentence whose reason is the sentence of another error", () => {
  const Classes = errors as unknown as Readonly<
    Record<string, new (facts: Readonly<Record<string, unknown>>) => errors.TidelaneError>
  >;
  const pairs = Object.keys(cases).flatMap((outer) => Object.keys(cases).map((inner) => [outer, inner]));

  it.each(pairs)("%s of %s has one full stop, at its end", (outer = "", inner = "") => {
    const { facts } = cases[outer] as Case;
    const { sentence } = cases[inner] as Case;
    // Every fact that stands in the sentence as it is, unquoted.
    for (const name of ["reason", "what", "during", "available", "settle", "expected", "capability"]) {
      if (!(name in facts)) continue;
      const Outer = Classes[outer] as new (facts: Readonly<Record<string, unknown>>) => errors.TidelaneError;
      const { message } = new Outer({ ...facts, [name]: sentence });
      expect(message).toMatch(/[^.]\.$/);
      expect(message).not.toMatch(/\.[.:)]/);
    }
  });
});

it("InvalidArgumentError keeps what it received as text, so that no secret in it is logged with the error", () => {
  const received = { password: "hunter2" };
  const error = new errors.InvalidArgumentError({ argument: "options", expected: "a string", received });
  expect(error.received).toBe("an object (Object)");
  expect(inspect(error)).not.toContain("hunter2");
});

it("ConnectFailedError tries again only when told", () => {
  const facts = { broker: "memory", reason: "the password is wrong" };
  expect(new errors.ConnectFailedError({ ...facts, retryable: false }).retryable).toBe(false);
});

describe("DecodeError", () => {
  it.each<[readonly PropertyKey[], string]>([
    [[], "(value)"],
    [["sku"], "sku"],
    [[0], "[0]"],
    [[0, "sku"], "[0].sku"],
    [["lines", 12, "sku"], "lines[12].sku"],
    [["grid", 1, 2], "grid[1][2]"],
    [[Symbol("secret"), Symbol("inner")], "Symbol(secret).Symbol(inner)"],
  ])("writes the path %o as %s", (path, written) => {
    const issues = [{ message: "is missing", path }];
    const error = new errors.DecodeError({ topic, reason: "it does not fit", issues });
    expect(error.message).toBe(
      `A payload from "orders" did not decode: it does not fit (${written}: is missing).`,
    );
    expect(error.issues).toBe(issues);
  });

  it("stays one line of plain text, whatever the payload had in it, and keeps the facts exact", () => {
    const issues = [{ message: "Unrecognized key:\n\u001b[31m", path: ["a\r\nb"] }];
    const error = new errors.DecodeError({ topic, reason: 'Unexpected token, "\n\u0007"', issues });
    expect(error.message).toBe(
      'A payload from "orders" did not decode: Unexpected token, " " (a b: Unrecognized key: [31m).',
    );
    expect(error.issues).toBe(issues);
  });

  it("lists every issue", () => {
    const issues = ["a", "b", "c"].map((key) => ({ message: "is missing", path: [key] }));
    const error = new errors.DecodeError({ topic, reason: "it does not fit", issues });
    expect(error.message).toContain("(a: is missing; b: is missing; c: is missing).");
  });
});

describe("TransactionError", () => {
  it.each([
    ["aborted", "The transaction did not commit: x."],
    ["unknown", "The transaction may have committed or not: x."],
    ["over", "The transaction was over already: x."],
  ] as const)("says by its outcome %s what became of it", (outcome, message) => {
    expect(new errors.TransactionError({ reason: "x", outcome })).toMatchObject({ outcome, message });
  });
});

describe("isTidelaneError", () => {
  it("knows an error from another copy of the library by its brand", () => {
    const theirs = Object.defineProperty(new Error("x"), Symbol.for("tidelane.error"), { value: true });
    expect(errors.isTidelaneError(theirs)).toBe(true);
    expect(errors.isTidelaneError(theirs, "TIDELANE_TIMEOUT")).toBe(false);
    expect(
      errors.isTidelaneError(Object.assign(theirs, { code: "TIDELANE_TIMEOUT" }), "TIDELANE_TIMEOUT"),
    ).toBe(true);
  });

  it.each([
    [undefined],
    [null],
    ["TIDELANE_TIMEOUT"],
    [5],
    [new Error("x")],
    [{ code: "TIDELANE_TIMEOUT" }],
    [() => 1],
  ])("is not %o", (value) => {
    expect(errors.isTidelaneError(value)).toBe(false);
  });
});

describe("throwIfAborted", () => {
  it("lets a signal that has not fired, and no signal, pass", () => {
    expect(() => errors.throwIfAborted(undefined, "A publish")).not.toThrow();
    expect(() => errors.throwIfAborted(new AbortController().signal, "A publish")).not.toThrow();
  });

  it("throws AbortedError with the signal's reason as its cause", () => {
    const check = () => errors.throwIfAborted(AbortSignal.abort(cause), "A publish");
    expect(check).toThrow(errors.AbortedError);
    expect(check).toThrow(
      expect.objectContaining({ message: "A publish was aborted by its signal.", cause }),
    );
    const bare = () => errors.throwIfAborted(AbortSignal.abort(), "A publish");
    expect(bare).toThrow(expect.objectContaining({ cause: expect.objectContaining({ name: "AbortError" }) }));
  });
});
