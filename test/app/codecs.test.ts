import fc from "fast-check";
import { anyOf, bytes, channel, createApp, json, MemoryBroker, maxBytes, text } from "tidelane";
import { cbor } from "tidelane/cbor";
import { codecLaws } from "tidelane/conformance";
import { msgpack } from "tidelane/msgpack";
import { testApp } from "tidelane/testing";
import { describe, expect, it } from "vitest";
import { z } from "zod";

const Order = z.object({ customer: z.string(), total: z.number() });
const order = { customer: "ann", total: 3 };
/** Another program's definition of the topic: an app has one for each topic, so these publish by hand. */
const raw = async (payload: Uint8Array | string, headers: Readonly<Record<string, string>> = {}) => {
  const orders = channel("orders", {
    schema: Order,
    codec: maxBytes(60, anyOf<unknown>(cbor, json, msgpack)),
  });
  const app = createApp({ name: "shop", broker: new MemoryBroker(), onFailure: { deadLetter: "dead" } });
  const got: unknown[] = [];
  const failures: string[] = [];
  app.subscribe(orders, { onError: ({ error }) => failures.push((error as Error).message) }, (value) => {
    got.push(value);
  });
  await app.start();
  await app.connection().publisher().publish({ topic: "orders", payload, headers });
  await app.drain();
  return { got, failures };
};

describe("a subscription that accepts several codecs", () => {
  it.each([
    ["its own", cbor, "application/cbor"],
    ["another one", json, "application/json; charset=utf-8"],
    ["the same under an older name", msgpack, "application/x-msgpack"],
    ["a suffix", json, "application/vnd.acme.order+json"],
    ["none that says anything", cbor, "application/octet-stream"],
  ])("decodes by the content type: %s", async (_name, codec, contentType) => {
    expect(await raw(codec.encode(order), { "content-type": contentType })).toEqual({
      got: [order],
      failures: [],
    });
  });

  it("takes its first codec where the message says nothing", async () => {
    expect((await raw(cbor.encode(order))).got).toEqual([order]);
  });

  it("sets aside what it does not take, by name", async () => {
    const { got, failures } = await raw("<order/>", { "content-type": "application/xml" });
    expect(got).toEqual([]);
    expect(failures).toEqual([
      'A payload from "orders" did not decode: its content-type is "application/xml", and what is taken is application/cbor or application/json or application/vnd.msgpack.',
    ]);
  });

  it("does not decode what is too large", async () => {
    const { got, failures } = await raw(`{${" ".repeat(60)}}`, { "content-type": "application/json" });
    expect(got).toEqual([]);
    expect(failures).toEqual([
      'A payload from "orders" did not decode: it has 62 bytes, and at most 60 are decoded.',
    ]);
  });

  it("is told of what bytes carry too", async () => {
    const files = channel("files", { codec: anyOf<unknown>(text, bytes) });
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const got: unknown[] = [];
    app.subscribe(files, (value) => {
      got.push(value);
    });
    await app.start();
    const publisher = app.connection().publisher();
    const headers = { "content-type": "application/octet-stream" };
    await publisher.publish({ topic: "files", payload: Uint8Array.of(255), headers });
    await app.drain();
    expect(got).toEqual([Uint8Array.of(255)]);
  });
});

describe("publish", () => {
  it("stamps the content type of the channel's own codec", async () => {
    const orders = channel("orders", { schema: Order, codec: anyOf(msgpack, json) });
    const app = createApp({ name: "shop", broker: new MemoryBroker() });
    const incoming = channel("incoming", { schema: Order });
    app.subscribe(incoming, (value, { publish }) => publish(orders, value));
    await using test = await testApp(app);
    await test.publish(incoming, order);
    expect(test.publishedMessages(orders)).toMatchObject([
      { value: order, headers: { "content-type": "application/vnd.msgpack" } },
    ]);
  });

  it("refuses what is too large, and what its codec cannot carry", async () => {
    const small = channel("small", { codec: maxBytes(8, cbor) });
    await using test = await testApp(createApp({ name: "shop", broker: new MemoryBroker() }));
    await test.publish(small, "seven b");
    await expect(test.publish(small, "eight by")).rejects.toThrow(
      'The message for "small" was not sent: its codec failed: encode(value) must be a value of at most 8 bytes; received 9.',
    );
    await expect(test.publish(small, new Date(0))).rejects.toThrow(
      "its codec failed: cbor.encode(value) must be null, a boolean, number",
    );
  });
});

it.each<[string, () => unknown, string]>([
  [
    "a codec that is none",
    () => anyOf(cbor, {} as never),
    "anyOf(...codecs): codec 2 must be a codec: json, text",
  ],
  ["nothing", () => anyOf(undefined as never), "anyOf(...codecs): codec 1 must be a codec"],
  [
    "two codecs of one type",
    () => anyOf(json, { ...json, contentType: "text/json; charset=utf-8" }),
    'codec 2 must be of another content type than those before it; received "text/json; charset=utf-8".',
  ],
  [
    "no size",
    () => maxBytes(0, json),
    "maxBytes(bytes, codec) must be a whole number of at least 1; received 0.",
  ],
  [
    "a limit of no codec",
    () => maxBytes(5, undefined as never),
    "maxBytes(bytes, codec): codec must be a codec",
  ],
])("a codec cannot be made of %s", (_name, make, sentence) => {
  expect(make).toThrow(sentence);
});

it("a codec of several keeps the laws of its first", async () => {
  const bodies: (() => Promise<void>)[] = [];
  const codec = maxBytes(1_000, anyOf<unknown>(cbor, json));
  codecLaws({
    test: (_name, body) => bodies.push(body),
    codec,
    name: "both",
    carries: fc.nat(),
    refuses: fc.constantFrom<unknown>(new Date(0), "x".repeat(1_000)),
  });
  await Promise.all(bodies.map((body) => body()));
  expect(bodies).toHaveLength(6);
});
