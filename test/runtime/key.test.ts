import { describe, expect, it } from "vitest";
import { by, byKey, keyOf } from "../../src/runtime/key.ts";
import { RecordingMessage } from "../../src/testing/index.ts";
import { InvalidArgumentError, KeyError } from "../../src/traits/errors.ts";

const message = new RecordingMessage({ topic: "orders", partitionKey: "k1" });

function fault(select: (value: unknown) => unknown): KeyError {
  try {
    keyOf(by(select as () => string), "value", message);
  } catch (error) {
    if (error instanceof KeyError) return error;
  }
  throw new Error("keyOf did not throw a KeyError");
}

describe("byKey", () => {
  it("is the key the message carries, and asks for no decoding", () => {
    expect(keyOf(byKey, undefined, message)).toBe("k1");
    expect(keyOf(byKey, undefined, new RecordingMessage())).toBeUndefined();
    expect(byKey.readsValue).toBe(false);
  });
});

describe("by", () => {
  it("is called with the value and the message, and reads the value", () => {
    const selector = by((value: string, { topic }) => `${topic}/${value}`);
    expect(keyOf(selector, "o1", message)).toBe("orders/o1");
    expect(selector.readsValue).toBe(true);
  });

  it("may give no key, and an empty one, which is a key", () => {
    const none = by(() => undefined);
    const empty = by(() => "");
    expect(keyOf(none, 1, message)).toBeUndefined();
    expect(keyOf(empty, 1, message)).toBe("");
  });

  it.each([undefined, "id", { select: () => "k" }])("refuses %s for a function", (select) => {
    expect(() => by(select as unknown as () => string)).toThrow(InvalidArgumentError);
  });

  it("turns a throw into a KeyError with its cause and topic", () => {
    const cause = new RangeError("no id");
    const error = fault(() => {
      throw cause;
    });
    expect(error).toMatchObject({ topic: "orders", cause, code: "TIDELANE_KEY" });
    expect(error.message).toContain('"orders": the key function threw: no id');
  });

  it("says what came instead of a string", () => {
    expect(fault(() => 7).message).toContain("returned 7; a key is a string, or undefined for none");
    expect(fault(() => null).message).toContain("returned null; a key is a string, or undefined for none");
    expect(fault(async () => "k").message).toContain("a promise; a key is computed synchronously");
  });

  it("leaves no rejection behind when the promise it refuses rejects", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    fault(() => Promise.reject(new Error("late")));
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });
});
