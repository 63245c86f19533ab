import fc from "fast-check";
import { Kafka, logLevel, type Message as RawMessage } from "kafkajs";
import {
  byKey,
  type HeaderValue,
  headerNames,
  isTidelaneError,
  type Message,
  type OutgoingMessage,
  pipeline,
} from "tidelane";
import type { KafkaConnection, KafkaMessage, KafkaSubscriber } from "tidelane/kafka";
import { expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { connect, quick, take, topicOf, until } from "./stage.ts";

const mebibyte = 2 ** 20;
const { sessionTimeoutMs: _, ...options } = quick;

/** A record as some other program sends it. */
interface Raw extends RawMessage {
  readonly value: Buffer;
}

const good = (value: number): Raw => ({ value: Buffer.from(JSON.stringify({ value })) });

const bad: readonly Raw[] = [
  { key: "truncated JSON", value: Buffer.from('{"value":1') },
  { key: "invalid UTF-8", value: Buffer.of(0x22, 0xff, 0xfe, 0x22) },
  { key: "nothing", value: Buffer.alloc(0) },
];

const odd: readonly Raw[] = [
  { key: "5 MiB", value: Buffer.from(JSON.stringify({ value: 10, pad: "x".repeat(5 * mebibyte) })) },
  {
    key: "500 headers",
    value: Buffer.from('{"value":11}'),
    headers: Object.fromEntries(
      Array.from({ length: 500 }, (_one, index) => [`x-${index}`, `value ${index}`]),
    ),
  },
  {
    key: "an unknown content type",
    value: Buffer.from('{"value":12}'),
    headers: { "content-type": "application/x-nobody-knows; v=∞", "content-encoding": "klingon" },
  },
  {
    key: Buffer.of(0xff, 0x00),
    value: Buffer.from('{"value":13}'),
    headers: {
      bytes: Buffer.of(0xff, 0xfe),
      several: ["1", Buffer.of(0xff), "2"],
      constructor: "a name of every object",
      "": "no name",
      lines: "one\r\ntwo\0",
      "x-tidelane-attempts": "many",
    },
  },
];

/** What always throws: each has to be set aside with all it came with. */
const poison: readonly Raw[] = [
  {
    key: "poison",
    value: Buffer.from('{"value":666}'),
    headers: { "x-a": ["1", "2"], "content-type": "application/json" },
  },
  { value: Buffer.from('{"value":666,"bytes":1}'), headers: { raw: Buffer.of(0xff, 0x00) } },
];

/** Sends in one batch, in this order. */
async function sendRaw(server: Server, topic: string, messages: readonly Raw[]): Promise<void> {
  const producer = new Kafka({ brokers: [server.address], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  for (const message of messages) await producer.send({ topic, messages: [message] });
}

/** The next `count`, each acked. */
async function receive(subscriber: KafkaSubscriber, count: number): Promise<KafkaMessage[]> {
  const messages: KafkaMessage[] = [];
  for await (const message of subscriber) {
    messages.push(message);
    await message.ack();
    if (messages.length === count) break;
  }
  return messages;
}

await describeLive(
  "kafka",
  "what comes from the wire",
  (server) => {
    it("never stops a run: what is bad is set aside as it came, with the reason", async () => {
      const connection = await connect(server);
      const [topic, dead] = [await topicOf(server), await topicOf(server)];
      const setAside = await connection.subscribe(dead, options);
      const values: number[] = [];
      const source = await connection.subscribe(topic, { ...options, group: `${topic}-group` });
      const run = pipeline(source, { onError: () => {} })
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
      await sendRaw(server, topic, [good(1), ...bad, good(2), ...poison, ...odd, good(3)]);
      await until("the good ones are handled", () => values.length === 3 + odd.length);
      expect(values.sort((a, b) => a - b)).toEqual([1, 2, 3, 10, 11, 12, 13]);
      const letters = await take(setAside, bad.length + poison.length);
      for (const original of [...bad, ...poison]) {
        const letter = letters.find(({ payload }) => Buffer.compare(payload, original.value) === 0);
        const what = String(original.key);
        expect(letter, what).toBeDefined();
        expect(letter?.partitionKey, what).toBe(original.key);
        const reason = letter?.headers.get(headerNames.deadLetterReason);
        expect(reason).toMatch(poison.includes(original) ? /poison/ : /did not decode|not UTF-8|not JSON/);
        expect(letter?.headers.get(headerNames.deadLetterSource)).toBe(topic);
      }
      const headersOf = (from: Raw | undefined) =>
        letters.find(({ payload }) => Buffer.compare(payload, from?.value ?? Buffer.alloc(9)) === 0)?.headers;
      expect(headersOf(poison[0])?.getAll("x-a")).toEqual(["1", "2"]);
      expect([...(headersOf(poison[1])?.getBytes("raw") ?? [])]).toEqual([0xff, 0x00]);
      const { deadLettered } = await run.drain();
      expect(deadLettered).toBe(bad.length + poison.length);
    });

    it("10,000 generated messages come unharmed or are refused", { timeout: 120_000 }, async () => {
      const connection = await connect(server);
      const topic = await topicOf(server);
      const orders = await connection.subscribe(topic, options);
      const seed = Math.trunc(Math.random() * 2 ** 31);
      const messages = fc.sample(outgoing(topic), { numRuns: 10_000, seed });
      const sent = await publishAll(connection, messages);
      for (const [index, message] of (await receive(orders, sent.length)).entries()) {
        const original = sent[index];
        if (original === undefined) throw new Error("there are more than were sent");
        expectSame(message, original, `seed ${seed}, ${JSON.stringify(original)}`);
      }
      console.log(`of ${messages.length} generated messages ${sent.length} came, seed ${seed}`);
      expect(sent.length).toBeGreaterThan(2_000);
      expect(sent.length).toBeLessThan(messages.length);
    });

    it("2,000 generated messages of another program come unharmed", { timeout: 60_000 }, async () => {
      const connection = await connect(server);
      const topic = await topicOf(server);
      const orders = await connection.subscribe(topic, options);
      const seed = Math.trunc(Math.random() * 2 ** 31);
      const messages = fc.sample(rawMessage, { numRuns: 2_000, seed });
      const producer = new Kafka({ brokers: [server.address], logLevel: logLevel.NOTHING }).producer();
      await producer.connect();
      onTestFinished(() => producer.disconnect());
      await producer.send({ topic, messages });
      for (const [index, message] of (await receive(orders, messages.length)).entries()) {
        const original = messages[index];
        if (original === undefined) throw new Error("there are more than were sent");
        expectAsSent(message, original, `seed ${seed}, index ${index}`);
      }
    });
  },
  { own: true, config: ["message.max.bytes=8388608"] },
);

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
/** Names with a meaning here, or of every object. */
const knownName = fc.constantFrom(
  "Content-Type",
  "reply-to",
  "partition-key",
  "__proto__",
  "constructor",
  "toString",
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

const rawMessage: fc.Arbitrary<Raw> = fc.record({
  key: fc.oneof(
    fc.constant(null),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  ),
  value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  headers: fc.dictionary(
    fc.oneof(plainName, fc.string({ maxLength: 20 }), fc.constantFrom("constructor", "toString")),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
    { maxKeys: 5 },
  ),
});

/** What was sent, in its order. What was not has to have been refused as invalid. */
async function publishAll(
  connection: KafkaConnection,
  messages: readonly OutgoingMessage[],
): Promise<OutgoingMessage[]> {
  const publisher = connection.publisher();
  const outcomes = await Promise.allSettled(messages.map((message) => publisher.publish(message)));
  return messages.filter((_one, index) => {
    const outcome = outcomes[index];
    if (outcome?.status !== "rejected") return true;
    if (!isTidelaneError(outcome.reason, "TIDELANE_INVALID_MESSAGE")) throw outcome.reason;
    return false;
  });
}

function expectSame(message: Message, sent: OutgoingMessage, what: string): void {
  const bytes = typeof sent.payload === "string" ? Buffer.from(sent.payload) : sent.payload;
  expect(Buffer.compare(message.payload, bytes), what).toBe(0);
  expect(message.partitionKey, what).toBe(sent.key);
  const headers = [...((sent.headers ?? []) as Iterable<readonly [string, HeaderValue]>)];
  expect(byName([...message.headers]), what).toEqual(byName(headers));
}

/** Reading it never throws, and everything is there as it was sent. */
function expectAsSent(message: KafkaMessage, { key, value, headers = {} }: Raw, what: string): void {
  expect(Buffer.compare(message.payload, value), what).toBe(0);
  expect(typeof message.partitionKey, what).toBe(key === null ? "undefined" : "string");
  if (Buffer.isBuffer(key)) expect(Buffer.compare(message.keyBytes ?? Buffer.alloc(0), key), what).toBe(0);
  for (const [name, sent] of Object.entries(headers)) {
    const names = Object.keys(headers).filter((each) => each.toLowerCase() === name.toLowerCase());
    if (names.length > 1 || !Buffer.isBuffer(sent)) continue;
    expect(Buffer.compare(message.headers.getBytes(name) ?? Buffer.from("absent"), sent), what).toBe(0);
  }
}

/** The values of each name, in their order, as bytes: text that is sent as bytes comes as text. */
function byName(headers: readonly (readonly [string, HeaderValue])[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const folded = name.toLowerCase();
    values.set(folded, [...(values.get(folded) ?? []), Buffer.from(value as string).toString("hex")]);
  }
  return values;
}
