import { describe, expect, it } from "vitest";
import { RecordingMessage, VirtualClock } from "../../src/testing/index.ts";
import {
  AlreadySettledError,
  DeliveryRevokedError,
  SettleUnsupportedError,
} from "../../src/traits/errors.ts";

describe("RecordingMessage", () => {
  it("has a default for everything", () => {
    const message = new RecordingMessage();
    expect(message.topic).toBe("test");
    expect(message.payload).toEqual(new Uint8Array());
    expect(message.headers.size).toBe(0);
    expect(message.partitionKey).toBeUndefined();
    expect(message.deliveryCount).toBe(1);
    expect(message.settled).toBe(false);
    expect(message.settlements).toEqual([]);
  });

  it("is what it was made of", () => {
    const message = new RecordingMessage({
      topic: "orders",
      payload: '{"id":7}',
      headers: { "X-A": "1" },
      partitionKey: "k",
      deliveryCount: 3,
    });
    expect(message.json()).toEqual({ id: 7 });
    expect(message.headers.get("x-a")).toBe("1");
    expect([message.topic, message.partitionKey, message.deliveryCount]).toEqual(["orders", "k", 3]);
  });

  it("reads its key from the partition-key header when it was given none", () => {
    expect(new RecordingMessage({ headers: { "Partition-Key": "k" } }).partitionKey).toBe("k");
  });

  it("records each kind of settle", async () => {
    const [acked, nacked, dropped, delayed] = Array.from({ length: 4 }, () => new RecordingMessage());
    await acked?.ack();
    await nacked?.nack();
    await dropped?.nack({ requeue: false });
    await delayed?.nackAfter(250);
    expect(acked?.settlements).toEqual([{ settle: "ack" }]);
    expect(nacked?.settlements).toEqual([{ settle: "nack", requeue: true }]);
    expect(dropped?.settlements).toEqual([{ settle: "nack", requeue: false }]);
    expect(delayed?.settlements).toEqual([{ settle: "nackAfter", delayMs: 250 }]);
    expect(await delayed?.settledWith).toEqual({ settle: "nackAfter", delayMs: 250 });
  });

  it("says when, with a clock", async () => {
    const clock = new VirtualClock(40);
    const message = new RecordingMessage({ clock });
    await clock.advance(2);
    await message.ack();
    expect(message.settlements).toEqual([{ settle: "ack", at: 42 }]);
  });

  it("keeps the guard: a second settle rejects and is not recorded", async () => {
    const message = new RecordingMessage();
    await message.ack();
    await expect(message.nack()).rejects.toThrow(AlreadySettledError);
    expect(message.settlements).toEqual([{ settle: "ack" }]);
  });

  it("counts keepAlives that were accepted", async () => {
    const message = new RecordingMessage();
    await message.keepAlive();
    await message.keepAlive();
    await message.ack();
    await expect(message.keepAlive()).rejects.toThrow(AlreadySettledError);
    expect(message.keepAlives).toBe(2);
  });

  it("can be revoked", async () => {
    const message = new RecordingMessage({ topic: "orders" });
    const { signal } = message;
    message.revoke("its partition was revoked");
    expect(signal.aborted).toBe(true);
    await expect(message.ack()).rejects.toThrow(DeliveryRevokedError);
    await expect(message.ack()).rejects.toThrow("its partition was revoked");
    expect(message.settlements).toEqual([]);
  });

  it("rejects the settles it was told to, and records them with their error", async () => {
    const message = new RecordingMessage({ topic: "orders" });
    const unsupported = new SettleUnsupportedError({
      topic: "orders",
      settle: "nack",
      reason: "no requeue here",
    });
    const broken = new Error("the channel broke");
    message.rejectNextSettle(unsupported);
    message.rejectNextSettle(broken);
    await expect(message.nack()).rejects.toBe(unsupported);
    expect(message.settled).toBe(false);
    await expect(message.ack()).rejects.toBe(broken);
    expect(message.settled).toBe(true);
    expect(message.settlements).toEqual([
      { settle: "nack", requeue: true, error: unsupported },
      { settle: "ack", error: broken },
    ]);
  });

  it("rejects when onSettle throws, and waits for its promise", async () => {
    const broken = new Error("refused");
    const thrower = new RecordingMessage({
      onSettle: () => {
        throw broken;
      },
    });
    await expect(thrower.ack()).rejects.toBe(broken);
    const rejecter = new RecordingMessage({ onSettle: () => Promise.reject(broken) });
    await expect(rejecter.ack()).rejects.toBe(broken);
    expect(rejecter.settlements).toEqual([{ settle: "ack", error: broken }]);

    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const slow = new RecordingMessage({ onSettle: () => gate });
    const settling = slow.ack().then(() => seen.push("settled"));
    await new VirtualClock().flush();
    expect(seen).toEqual([]);
    expect(slow.settlements).toEqual([]);
    release();
    await settling;
    expect(slow.settlements).toEqual([{ settle: "ack" }]);
  });
});
