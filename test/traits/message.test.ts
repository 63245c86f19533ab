import { describe, expect, it } from "vitest";
import {
  AlreadySettledError,
  DecodeError,
  DeliveryRevokedError,
  InvalidArgumentError,
  SettleUnsupportedError,
} from "../../src/traits/errors.ts";
import { MessageHeaders } from "../../src/traits/headers.ts";
import { Message, settledAtOnce } from "../../src/traits/message.ts";

type Answer = () => Promise<void> | void;

/** Only what an adapter must write; `calls` is what reached its broker. */
class PlainMessage extends Message {
  readonly topic = "orders";
  readonly payload: Uint8Array;
  readonly headers = MessageHeaders.empty;
  readonly calls: string[] = [];
  answer: Answer = () => undefined;

  constructor(payload: Uint8Array | string = "") {
    super();
    this.payload = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  }

  override revoke(reason: string, cause?: unknown): void {
    super.revoke(reason, cause);
  }

  protected override sendAck(): Promise<void> | void {
    return this.told("ack");
  }

  protected override sendNack(requeue: boolean): Promise<void> | void {
    return this.told(`nack ${requeue}`);
  }

  protected told(call: string): Promise<void> | void {
    this.calls.push(call);
    return this.answer();
  }
}

class DelayingMessage extends PlainMessage {
  protected override sendNackAfter(delayMs: number): Promise<void> | void {
    return this.told(`nackAfter ${delayMs}`);
  }

  protected override sendKeepAlive(): Promise<void> | void {
    return this.told("keepAlive");
  }
}

const settles: readonly (readonly [
  name: string,
  settle: (message: Message) => Promise<void>,
  call: string,
])[] = [
  ["ack", (message) => message.ack(), "ack"],
  ["nack", (message) => message.nack({ requeue: false }), "nack false"],
  ["nackAfter", (message) => message.nackAfter(5), "nackAfter 5"],
];

const unsupported = (): SettleUnsupportedError =>
  new SettleUnsupportedError({ topic: "orders", settle: "it", reason: "the transport cannot" });

describe.each(settles)("%s()", (name, settle, call) => {
  it("reaches the broker and settles, from the moment it is called", async () => {
    const message = new DelayingMessage();
    expect(message.settled).toBe(false);
    const settling = settle(message);
    expect(message.settled).toBe(true);
    await settling;
    expect(message.calls).toEqual([call]);
  });

  it.each(settles)("wins over a later %s(), which never reaches the broker", async (attempted, later) => {
    const message = new DelayingMessage();
    const first = settle(message);
    const error = await later(message).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AlreadySettledError);
    expect(error).toMatchObject({ topic: "orders", attempted });
    await first;
    expect(message.calls).toEqual([call]);
  });

  it("waits for a hook that answers later", async () => {
    const message = new DelayingMessage();
    const steps: string[] = [];
    message.answer = () =>
      new Promise((resolve) => setImmediate(resolve)).then(() => void steps.push("told"));
    await settle(message).then(() => steps.push("settled"));
    expect(steps).toEqual(["told", "settled"]);
  });

  it.each<[string, (error: Error) => Answer]>([
    [
      "throws",
      (error) => () => {
        throw error;
      },
    ],
    ["rejects", (error) => () => Promise.reject(error)],
  ])("is used up by a hook that %s", async (_how, answerWith) => {
    const message = new DelayingMessage();
    const error = new Error("the channel broke");
    message.answer = answerWith(error);
    await expect(settle(message)).rejects.toBe(error);
    expect(message.settled).toBe(true);
    await expect(message.ack()).rejects.toBeInstanceOf(AlreadySettledError);
    expect(message.calls).toEqual([call]);
  });

  it.each<[string, (error: Error) => Answer]>([
    [
      "throws",
      (error) => () => {
        throw error;
      },
    ],
    ["rejects with", (error) => () => Promise.reject(error)],
  ])("leaves the message open where its hook %s SettleUnsupportedError", async (_how, answerWith) => {
    const message = new DelayingMessage();
    const error = unsupported();
    message.answer = answerWith(error);
    await expect(settle(message)).rejects.toBe(error);
    expect(message.settled).toBe(false);
    message.answer = () => undefined;
    await message.nack({ requeue: false });
    expect(message.settled).toBe(true);
    expect(message.calls).toEqual([call, "nack false"]);
  });

  it("is not open while an unsupported hook has not answered yet", async () => {
    const message = new DelayingMessage();
    message.answer = () => Promise.reject(unsupported());
    const first = settle(message);
    await expect(message.ack()).rejects.toBeInstanceOf(AlreadySettledError);
    await expect(first).rejects.toBeInstanceOf(SettleUnsupportedError);
    expect(message.settled).toBe(false);
  });

  it("rejects on a revoked delivery and touches nothing", async () => {
    const message = new DelayingMessage();
    message.revoke("its channel closed");
    await expect(settle(message)).rejects.toBe(message.revoked);
    expect(message.settled).toBe(false);
    expect(message.calls).toEqual([]);
  });

  it("stands when the delivery is revoked afterwards, and the signal is told", async () => {
    const message = new DelayingMessage();
    const { signal } = message;
    await settle(message);
    message.revoke("its channel closed");
    expect(signal.aborted).toBe(true);
    expect(message.settled).toBe(true);
    await expect(settle(message)).rejects.toMatchObject({
      code: "TIDELANE_ALREADY_SETTLED",
      attempted: name,
    });
  });
});

it("a hook that passes on SettleUnsupportedError from another copy of the library reopens the message too", async () => {
  const path = "../../src/traits/errors/deliveries.ts?another-copy";
  const copy: typeof import("../../src/traits/errors/deliveries.ts") = await import(path);
  const error = new copy.SettleUnsupportedError({ topic: "orders", settle: "it", reason: "it cannot" });
  expect(error).not.toBeInstanceOf(SettleUnsupportedError);
  const message = new PlainMessage();
  message.answer = () => Promise.reject(error);
  await expect(message.nack()).rejects.toBe(error);
  expect(message.settled).toBe(false);
});

describe("settledAtOnce", () => {
  it("is the very promise of an ack or nack that was over at once", () => {
    expect(new PlainMessage().ack()).toBe(settledAtOnce);
    expect(new PlainMessage().nack()).toBe(settledAtOnce);
  });

  it("is not that of one whose hook answers later, or that was refused", async () => {
    const message = new PlainMessage();
    message.answer = () => Promise.resolve();
    const late = message.ack();
    const refused = message.ack();
    expect(late).not.toBe(settledAtOnce);
    expect(refused).not.toBe(settledAtOnce);
    await late;
    await expect(refused).rejects.toBeInstanceOf(AlreadySettledError);
  });
});

describe("nack()", () => {
  it.each([
    [undefined, "nack true"],
    [{}, "nack true"],
    [{ requeue: true }, "nack true"],
    [{ requeue: false }, "nack false"],
  ])("%o asks for %s", async (options, call) => {
    const message = new PlainMessage();
    await message.nack(options);
    expect(message.calls).toEqual([call]);
  });

  it("refuses a misspelt option, which would requeue what was to be dropped", async () => {
    const message = new PlainMessage();
    await expect(message.nack({ requeu: false } as object)).rejects.toMatchObject({
      code: "TIDELANE_UNKNOWN_OPTION",
      nearest: "requeue",
    });
    expect(message.calls).toEqual([]);
    expect(message.settled).toBe(false);
  });

  it.each([false, true, null, { requeue: "no" }])(
    "refuses %o and leaves the message unsettled",
    async (options) => {
      const message = new PlainMessage();
      await expect(message.nack(options as never)).rejects.toThrow(
        "nack(options) must be left out, { requeue: true } or { requeue: false }",
      );
      expect(message.settled).toBe(false);
      expect(message.calls).toEqual([]);
    },
  );
});

describe("nackAfter()", () => {
  it.each([0, 0.5, 60_000])("requeues at once where the transport has no delay (%d)", async (delayMs) => {
    const message = new PlainMessage();
    await message.nackAfter(delayMs);
    expect(message.calls).toEqual(["nack true"]);
  });

  it.each([Number.NaN, -1, -0.001, Number.POSITIVE_INFINITY, "5" as unknown as number])(
    "refuses %s and leaves the message unsettled",
    async (delayMs) => {
      const message = new DelayingMessage();
      await expect(message.nackAfter(delayMs)).rejects.toBeInstanceOf(InvalidArgumentError);
      expect(message.settled).toBe(false);
      await message.ack();
      expect(message.calls).toEqual(["ack"]);
    },
  );
});

describe("keepAlive()", () => {
  it("has nothing to do by default, and settles nothing", async () => {
    const message = new PlainMessage();
    await message.keepAlive();
    expect(message.calls).toEqual([]);
    expect(message.settled).toBe(false);
  });

  it("reaches the broker as often as it is called", async () => {
    const message = new DelayingMessage();
    await message.keepAlive();
    await message.keepAlive();
    await message.ack();
    expect(message.calls).toEqual(["keepAlive", "keepAlive", "ack"]);
  });

  it("rejects once settled or revoked, and with what its hook says", async () => {
    const settled = new DelayingMessage();
    await settled.ack();
    await expect(settled.keepAlive()).rejects.toMatchObject({ attempted: "keepAlive" });

    const revoked = new DelayingMessage();
    revoked.revoke("its partition was revoked");
    await expect(revoked.keepAlive()).rejects.toBe(revoked.revoked);
    expect(revoked.calls).toEqual([]);

    const failing = new DelayingMessage();
    failing.answer = () => Promise.reject(new Error("no answer"));
    await expect(failing.keepAlive()).rejects.toThrow("no answer");
    expect(failing.settled).toBe(false);
  });
});

describe("a revocation", () => {
  it("aborts the signal with the DeliveryRevokedError every settle answers", () => {
    const message = new PlainMessage();
    const { signal } = message;
    expect(signal.aborted).toBe(false);
    const cause = new Error("ECONNRESET");
    message.revoke("its channel closed", cause);
    expect(signal.reason).toBeInstanceOf(DeliveryRevokedError);
    expect(signal.reason).toBe(message.revoked);
    expect(message.revoked).toMatchObject({ topic: "orders", reason: "its channel closed", cause });
  });

  it("is on a signal that is read only afterwards", () => {
    const message = new PlainMessage();
    message.revoke("its channel closed");
    expect(message.signal.aborted).toBe(true);
    expect(message.signal.reason).toBe(message.revoked);
  });

  it("counts once: the first reason stands, and the signal fires once", () => {
    const message = new PlainMessage();
    let fired = 0;
    message.signal.addEventListener("abort", () => {
      fired += 1;
    });
    message.revoke("its channel closed");
    message.revoke("its deadline passed");
    expect(message.revoked?.reason).toBe("its channel closed");
    expect(fired).toBe(1);
  });

  it("has not happened on a message that says nothing", () => {
    const message = new PlainMessage();
    expect(message.revoked).toBeUndefined();
    expect(message.signal).toBe(message.signal);
  });
});

it("a hook that finds its delivery gone says so to the signal and as the answer of the settle", async () => {
  const message = new PlainMessage();
  const { signal } = message;
  message.answer = () => {
    message.revoke("its channel closed");
    throw message.revoked;
  };
  await expect(message.ack()).rejects.toBe(message.revoked);
  expect(signal.reason).toBe(message.revoked);
  expect(message.revoked).toBeInstanceOf(DeliveryRevokedError);
  await expect(message.nack()).rejects.toBeInstanceOf(AlreadySettledError);
  expect(message.calls).toEqual(["ack"]);
});

describe("what an adapter need not write", () => {
  it("is a key and a delivery count", () => {
    const message = new PlainMessage();
    expect(message.partitionKey).toBeUndefined();
    expect(message.deliveryCount).toBeUndefined();
  });
});

describe("text() and json()", () => {
  it("read the payload", () => {
    expect(new PlainMessage("grüße").text()).toBe("grüße");
    expect(new PlainMessage('{"a":[1,null]}').json()).toEqual({ a: [1, null] });
  });

  it("keep a byte order mark in text, and pass over one before JSON", () => {
    const message = new PlainMessage('\uFEFF{"a":"\uFEFF"}');
    expect(message.text()).toBe('\uFEFF{"a":"\uFEFF"}');
    expect(message.json()).toEqual({ a: "\uFEFF" });
    expect(() => new PlainMessage("\uFEFF\uFEFF{}").json()).toThrow(DecodeError);
  });

  it.each([[[0xff]], [[0xc3]], [[0xed, 0xa0, 0x80]]])("refuse bytes that are not UTF-8: %j", (bytes) => {
    const message = new PlainMessage(Uint8Array.from(bytes));
    for (const read of [() => message.text(), () => message.json()]) {
      expect(read).toThrow(DecodeError);
      expect(read).toThrow(/"orders".*not UTF-8/);
    }
  });

  it("json() says on one line what the engine found, whatever the payload has in it", () => {
    const read = () => new PlainMessage("\n\u001b[31moops").json();
    expect(read).toThrow(
      /^A payload from "orders" did not decode: the payload is not JSON: Unexpected [^\p{Cc}]+$/u,
    );
  });

  it.each(["", "{", "{a:1}", "undefined", "NaN"])("json() refuses %j and keeps the cause", (payload) => {
    const read = () => new PlainMessage(payload).json();
    expect(read).toThrow(DecodeError);
    expect(read).toThrow(/"orders".*not JSON: /);
    expect(read).toThrow(expect.objectContaining({ cause: expect.any(SyntaxError) }));
  });
});
