import { type HeadersInit, InvalidMessageError, type OutgoingMessage } from "tidelane";
import { describe, expect, it } from "vitest";
import { publish, setUp, take, texts } from "./support.ts";

describe("publish", () => {
  const refused: [string, Partial<OutgoingMessage>, RegExp][] = [
    ["an empty topic", { topic: "" }, /non-empty string/],
    ["a topic that is no string", { topic: 5 as unknown as string }, /non-empty string/],
    ["a topic with a control character", { topic: "a\u0000b" }, /no control characters/],
    ["a topic with *", { topic: "orders.*" }, /no wildcard token/],
    ["a topic with >", { topic: ">" }, /no wildcard token/],
    ["a payload over the limit", { payload: new Uint8Array(11) }, /has 11 bytes, and the limit here is 10/],
    ["a payload that is no bytes", { payload: {} as unknown as string }, /neither a string nor a Uint8Array/],
    ["a header value with CR", { headers: { note: "a\rb" } }, /CR, LF or NUL/],
    ["a header value with LF", { headers: { note: "a\nb" } }, /CR, LF or NUL/],
    ["a header value with NUL", { headers: { note: "a\u0000b" } }, /CR, LF or NUL/],
    ["a header name with LF", { headers: { "a\nb": "c" } }, /control character/],
    ["a header without a name", { headers: { "": "c" } }, /has no name/],
    [
      "a header value that is a number",
      { headers: { note: 5 } as unknown as HeadersInit },
      /neither text nor bytes/,
    ],
    ["a key with LF", { key: "a\nb" }, /its key has CR, LF or NUL/],
    ["a key against its header", { key: "a", headers: { "partition-key": "b" } }, /its key is "a"/],
  ];

  it.each(refused)("refuses %s, and sends nothing", async (_name, fault, reason) => {
    const { connection, publisher } = await setUp({ maxPayloadBytes: 10 });
    const all = await connection.subscribePattern(">");
    const attempt = publisher.publish({ topic: "orders", payload: "x", ...fault });
    await expect(attempt).rejects.toThrow(InvalidMessageError);
    await expect(attempt).rejects.toThrow(reason);
    await publish(connection, "orders", "sentinel");
    expect(texts(take(all))).toEqual(["sentinel"]);
  });

  it("takes a payload of exactly the limit, and 16 MiB unless told otherwise", async () => {
    const { connection, publisher } = await setUp({ maxPayloadBytes: 10 });
    const subscriber = await connection.subscribe("orders");
    await publisher.publish({ topic: "orders", payload: new Uint8Array(10) });
    expect(take(subscriber)).toHaveLength(1);
    expect((await setUp()).publisher.capabilities.maxPayloadBytes).toBe(16 * 1024 * 1024);
  });

  it("resolves when nobody subscribes, and the message waits for the first who does", async () => {
    const { connection } = await setUp();
    await publish(connection, "orders", "a");
    expect(texts(take(await connection.subscribe("orders")))).toEqual(["a"]);
    expect(take(await connection.subscribe("orders"))).toEqual([]);
  });

  it("keeps the order of calls that overlap", async () => {
    const { connection, publisher } = await setUp({ topics: { orders: { capacity: { messages: 3 } } } });
    const subscriber = await connection.subscribe("orders");
    const payloads = Array.from({ length: 20 }, (_, index) => String(index));
    const calls = payloads.map((payload) => publisher.publish({ topic: "orders", payload }));
    const seen: string[] = [];
    for await (const message of subscriber) {
      seen.push(message.text());
      await message.ack();
      if (seen.length === payloads.length) break;
    }
    await Promise.all(calls);
    expect(seen).toEqual(payloads);
  });

  it("reads the key from its header too", async () => {
    const { connection, publisher } = await setUp();
    const subscriber = await connection.subscribe("orders");
    await publisher.publish({ topic: "orders", payload: "", headers: { "Partition-Key": "k" } });
    expect(take(subscriber)[0]?.partitionKey).toBe("k");
  });
});
