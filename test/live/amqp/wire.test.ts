import { type ConfirmChannel, connect as connectRaw, type Options } from "amqplib";
import fc from "fast-check";
import {
  byKey,
  type HeaderValue,
  headerNames,
  isTidelaneError,
  type Message,
  type OutgoingMessage,
  pipeline,
} from "tidelane";
import type { AmqpConnection, AmqpMessage } from "tidelane/amqp";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { connect, fresh, open, take, until } from "./stage.ts";

const mebibyte = 2 ** 20;

/** A message as some other program sends it. */
interface Raw {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly options?: Options.Publish;
}

const text = (value: string): Uint8Array => Buffer.from(value);
const good = (value: number): Raw => ({ name: `good ${value}`, payload: text(JSON.stringify({ value })) });

const bad: readonly Raw[] = [
  { name: "truncated JSON", payload: text('{"value":1') },
  { name: "invalid UTF-8", payload: Uint8Array.of(0x22, 0xff, 0xfe, 0x22) },
  { name: "nothing", payload: new Uint8Array() },
];

const odd: readonly Raw[] = [
  { name: "5 MiB", payload: text(JSON.stringify({ value: 10, pad: "x".repeat(5 * mebibyte) })) },
  {
    name: "500 headers",
    payload: text('{"value":11}'),
    options: {
      headers: Object.fromEntries(
        Array.from({ length: 500 }, (_, index) => [`x-${index}`, `value ${index}`]),
      ),
    },
  },
  {
    name: "an unknown content type",
    payload: text('{"value":12}'),
    options: { contentType: "application/x-nobody-knows; v=∞", contentEncoding: "klingon" },
  },
  {
    name: "headers of every type",
    payload: text('{"value":13}'),
    options: {
      headers: {
        number: 1,
        real: 0.5,
        large: 2 ** 52,
        yes: true,
        "cloudEvents:type": "order",
        nothing: null,
        table: { deep: { deeper: [1, "a", null] } },
        when: { "!": "timestamp", value: 1_700_000_000 },
        "partition-key": 7,
        "x-delivery-count": "many",
        "x-tidelane-delayed-topic": 5,
      },
    },
  },
];

/** The server must not dead-letter it: after such a history, RabbitMQ 3.10 stops dead-lettering in all queues. */
const madeUp: Raw = {
  name: "a history that was made up",
  payload: text('{"value":14}'),
  options: { headers: { "x-death": [null, "no table"] } },
};

/** What always throws: each has to be set aside with all it came with. */
const poison: readonly Raw[] = [
  {
    name: "poison",
    payload: text('{"value":666}'),
    options: { headers: { "x-a": ["1", "2"] }, contentType: "application/json" },
  },
  {
    name: "poison with a text of two lines",
    payload: text('{"value":666,"lines":2}'),
    options: { headers: { lines: "one\r\ntwo" }, messageId: "m\n1" },
  },
  {
    name: "poison with names no header may have",
    payload: text('{"value":666,"names":true}'),
    options: { headers: { "cloudEvents:type": "order", "": "empty", "\n": "line", CC: [] } },
  },
];

async function rawChannel(server: Server): Promise<ConfirmChannel> {
  const client = await connectRaw(server.address);
  onTestFinished(() => client.close());
  return client.createConfirmChannel();
}

function sendRaw(channel: ConfirmChannel, queue: string, { payload, options = {} }: Raw): void {
  channel.sendToQueue(queue, Buffer.from(payload), options);
}

await describeLive("rabbitmq", "what comes from the wire", (server) => {
  it("never stops a run: what is bad is set aside as it came, with the reason", async () => {
    const connection = await connect(server);
    const [topic, dead] = [fresh("in"), fresh("dead")];
    const setAside = await open(connection, dead);
    const values: number[] = [];
    const run = pipeline(await open(connection, topic), { onError: () => {} })
      .decode(z.object({ value: z.number() }))
      .workers(4, byKey)
      .onFailure({
        maxAttempts: 2,
        backoff: { initialMs: 1 },
        deadLetter: { topic: dead, publisher: connection.publisher() },
      })
      .handle(({ value }) => {
        if (value === 666) throw new Error("poison");
        values.push(value);
      });
    const channel = await rawChannel(server);
    for (const message of [good(1), ...bad, good(2), ...poison, ...odd, madeUp, good(3)]) {
      sendRaw(channel, topic, message);
    }
    await channel.waitForConfirms();
    await until("the good ones are handled", () => values.length === 4 + odd.length);
    expect(values.sort((a, b) => a - b)).toEqual([1, 2, 3, 10, 11, 12, 13, 14]);
    const letters = await take(setAside, bad.length + poison.length);
    for (const original of [...bad, ...poison]) {
      const letter = letters.find(({ payload }) => Buffer.compare(payload, original.payload) === 0);
      expect(letter, original.name).toBeDefined();
      const reason = letter?.headers.get(headerNames.deadLetterReason);
      expect(reason).toMatch(poison.includes(original) ? /poison/ : /did not decode|not UTF-8|not JSON/);
      expect(letter?.headers.get(headerNames.deadLetterSource)).toBe(topic);
    }
    const headersOf = (from: Raw | undefined) =>
      letters.find(({ payload }) => Buffer.compare(payload, from?.payload ?? new Uint8Array()) === 0)
        ?.headers;
    expect(headersOf(poison[0])?.getAll("x-a")).toEqual(["1", "2"]);
    expect(headersOf(poison[0])?.get("content-type")).toBe("application/json");
    expect(headersOf(poison[1])?.get("lines")).toBe("one\r\ntwo");
    expect(headersOf(poison[1])?.get("message-id")).toBe("m\n1");
    expect(headersOf(poison[2])?.get("cloudEvents%3Atype")).toBe("order");
    const { deadLettered } = await run.drain();
    expect(deadLettered).toBe(bad.length + poison.length);
  });

  it("is set aside by the server, too, with its bytes and the reason", async () => {
    const dead = fresh("dead");
    const connection = await connect(server, { topology: { queues: [{ name: dead }] } });
    const queue = fresh("in");
    const orders = await open(connection, queue, { create: { deadLetter: { topic: dead } } });
    const channel = await rawChannel(server);
    for (const message of [...bad, ...odd, ...poison]) sendRaw(channel, queue, message);
    await channel.waitForConfirms();
    const all = [...bad, ...odd, ...poison];
    for (const message of await take(orders, all.length)) await message.nack({ requeue: false });
    const letters = await take(await connection.subscribe(dead), all.length);
    for (const { name, payload } of all) {
      const letter = letters.find((each) => Buffer.compare(each.payload, payload) === 0);
      expect(letter?.headers.get(headerNames.deadLetterReason), name).toBe("rejected");
      expect(letter?.headers.get(headerNames.deadLetterSource), name).toBe(queue);
    }
  });

  it("10,000 generated messages come unharmed or are refused", { timeout: 120_000 }, async () => {
    const connection = await connect(server);
    const queue = fresh("fuzz");
    const orders = await open(connection, queue, { maxInFlight: 1_000 });
    const seed = Math.trunc(Math.random() * 2 ** 31);
    const messages = fc.sample(outgoing(queue), { numRuns: 10_000, seed });
    const sent = await publishAll(connection, messages);
    let index = 0;
    for await (const message of orders) {
      const original = sent[index];
      if (original === undefined) throw new Error("there are more than were sent");
      expectSame(message, original, `seed ${seed}, ${JSON.stringify(original)}`);
      await message.ack();
      index += 1;
      if (index === sent.length) break;
    }
    console.log(`of ${messages.length} generated messages ${sent.length} came, seed ${seed}`);
    expect(sent.length).toBeGreaterThan(2_000);
    expect(sent.length).toBeLessThan(messages.length);
  });

  it("2,000 generated messages of another program come unharmed, and can be set aside", {
    timeout: 60_000,
  }, async () => {
    const connection = await connect(server);
    const [queue, dead] = [fresh("fuzz"), fresh("dead")];
    const orders = await open(connection, queue, { maxInFlight: 1_000 });
    const setAside = await open(connection, dead, { maxInFlight: 1_000 });
    const publisher = connection.publisher();
    const publishing: Promise<unknown>[] = [];
    const channel = await rawChannel(server);
    const seed = Math.trunc(Math.random() * 2 ** 31);
    const messages = fc.sample(rawMessage, { numRuns: 2_000, seed });
    for (const message of messages) sendRaw(channel, queue, message);
    await channel.waitForConfirms();
    let index = 0;
    for await (const message of orders) {
      const original = messages[index];
      if (original === undefined) throw new Error("there are more than were sent");
      expectAsSent(message, original, `seed ${seed}, index ${index}`);
      const { headers, payload: bytes } = message;
      const published = publisher.publish({ topic: dead, payload: bytes, headers });
      publishing.push(published.catch((error: unknown) => error));
      await message.ack();
      index += 1;
      if (index === messages.length) break;
    }
    const refusals = (await Promise.all(publishing)).filter((outcome) => outcome !== undefined);
    expect(refusals, `seed ${seed}`).toEqual([]);
    index = 0;
    for await (const letter of setAside) {
      const what = `seed ${seed}, index ${index}`;
      expect(Buffer.compare(letter.payload, messages[index]?.payload ?? new Uint8Array()), what).toBe(0);
      await letter.ack();
      index += 1;
      if (index === messages.length) break;
    }
  });
});

const anyText = fc.string({ unit: "binary", maxLength: 20 });
const plainName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,15}$/);
const plainValue = fc.oneof(
  fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/),
  fc.constantFrom("", "naïve", "日本", "a:b", "\u{1f600}", "x".repeat(300)),
);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.json(),
);
/** Names with a property of their own, or a meaning on this server. */
const knownName = fc.constantFrom(
  ...["content-type", "Message-Id", "correlation-id", "reply-to", "partition-key"],
  ...["CC", "BCC", "x-death", "x-delivery-count", "__proto__", "constructor"],
);

function outgoing(topic: string): fc.Arbitrary<OutgoingMessage> {
  const value = fc.oneof(plainValue, anyText, fc.uint8Array({ maxLength: 9 }));
  const plain = fc.array(fc.tuple(plainName, plainValue), { maxLength: 6 });
  const any = fc.array(fc.tuple(fc.oneof(plainName, anyText, knownName), value), { maxLength: 3 });
  const headers = fc.oneof({ weight: 3, arbitrary: plain }, { weight: 2, arbitrary: any });
  return fc.record(
    { topic: fc.constant(topic), payload, headers, key: fc.oneof(plainValue, anyText) },
    { requiredKeys: ["topic", "payload"] },
  );
}

const field = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    anyText,
    fc.boolean(),
    fc.constant(null),
    fc.integer(),
    fc.maxSafeInteger(),
    // amqplib takes larger ones for whole numbers, and cannot encode them.
    fc.double({ noNaN: true, min: -(2 ** 50), max: 2 ** 50 }),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(plainName, tie("any"), { maxKeys: 3 }),
  ),
})).any;

const rawMessage: fc.Arbitrary<Raw> = fc.record({
  name: fc.constant("generated"),
  payload: fc.uint8Array({ maxLength: 300 }),
  options: fc.record(
    {
      // The server expects a list of topics in CC and BCC, and closes the channel for anything else.
      headers: fc.dictionary(
        fc.oneof(plainName, anyText, knownName).filter((name) => !/^B?CC$/.test(name)),
        field,
        { maxKeys: 5 },
      ),
      contentType: anyText,
      messageId: anyText,
      correlationId: anyText,
      replyTo: anyText,
      type: anyText,
      timestamp: fc.nat(),
      priority: fc.nat({ max: 255 }),
    },
    { requiredKeys: [] },
  ),
});

/** What was sent, in its order. What was not has to have been refused as invalid. */
async function publishAll(
  connection: AmqpConnection,
  messages: readonly OutgoingMessage[],
): Promise<OutgoingMessage[]> {
  const publisher = connection.publisher();
  const outcomes = await Promise.allSettled(messages.map((message) => publisher.publish(message)));
  return messages.filter((_, index) => {
    const outcome = outcomes[index];
    if (outcome?.status !== "rejected") return true;
    if (!isTidelaneError(outcome.reason, "TIDELANE_INVALID_MESSAGE")) throw outcome.reason;
    return false;
  });
}

function expectSame(message: Message, sent: OutgoingMessage, what: string): void {
  const bytes = typeof sent.payload === "string" ? Buffer.from(sent.payload) : sent.payload;
  expect(Buffer.compare(message.payload, bytes), what).toBe(0);
  const headers = [...((sent.headers ?? []) as Iterable<readonly [string, HeaderValue]>)];
  const stated = headers.find(([name]) => name.toLowerCase() === headerNames.partitionKey)?.[1];
  const { key = undefined } = sent;
  expect(message.partitionKey, what).toBe(key ?? (stated === undefined ? undefined : asText(stated)));
  if (key !== undefined && stated === undefined) headers.push([headerNames.partitionKey, key]);
  expect(byName([...message.headers]), what).toEqual(byName(headers));
}

const propertyNames: readonly string[] = ["content-type", "correlation-id", "message-id", "reply-to"];

/** Reading it never throws, and what is text or bytes is there as it was sent. */
function expectAsSent(message: AmqpMessage, { payload: bytes, options = {} }: Raw, what: string): void {
  expect(Buffer.compare(message.payload, bytes), what).toBe(0);
  expect(message.deliveryCount, what).toBe(1);
  const table = (options.headers ?? {}) as Record<string, unknown>;
  const stated = Object.entries(table).some(
    ([name, value]) =>
      name.toLowerCase() === headerNames.partitionKey && !(Array.isArray(value) && value.length === 0),
  );
  expect(typeof message.partitionKey, what).toBe(stated ? "string" : "undefined");
  for (const [name, value] of Object.entries(table)) {
    if (["x-death", "x-delivery-count", "__proto__"].includes(name)) continue;
    if (name === "" || name !== name.trim() || /[\p{Cc}:]/u.test(name)) continue;
    // A property of that name, or another spelling, may come before it.
    const names = Object.keys(table).filter((each) => each.toLowerCase() === name.toLowerCase());
    if (names.length > 1 || propertyNames.includes(name.toLowerCase())) continue;
    if (typeof value === "string") expect(message.headers.get(name), what).toBe(value);
    if (value instanceof Uint8Array) {
      expect(Buffer.compare(message.headers.getBytes(name) ?? Buffer.from("absent"), value), what).toBe(0);
    }
  }
  const { messageId } = options;
  if (messageId !== undefined && !Object.keys(table).some((name) => name.toLowerCase() === "message-id")) {
    expect(message.headers.get("message-id"), what).toBe(messageId);
  }
}

function asText(value: HeaderValue): string {
  return typeof value === "string" ? value : Buffer.from(value).toString();
}

/** The values of each name, in their order. */
function byName(headers: readonly (readonly [string, HeaderValue])[]): Map<string, HeaderValue[]> {
  const values = new Map<string, HeaderValue[]>();
  for (const [name, value] of headers) {
    const folded = name.toLowerCase();
    values.set(folded, [...(values.get(folded) ?? []), value]);
  }
  return values;
}
