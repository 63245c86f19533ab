import { connect as connectSocket } from "node:net";
import * as natsIo from "@nats-io/transport-node";
import fc from "fast-check";
import { byKey, headerNames, isTidelaneError, type Message, type OutgoingMessage, pipeline } from "tidelane";
import type { JetStreamConnection, JetStreamMessage } from "tidelane/nats";
import { describe, expect, it, onTestFinished } from "vitest";
import { z } from "zod";
import type { Server } from "../../../scripts/brokers/server.ts";
import { describeLive } from "../describe-live.ts";
import { clientNames, connect, Loop, stream, until } from "./stage.ts";

const create = { from: "start" } as const;
const mebibyte = 2 ** 20;

/** A message as some other program sends it. */
interface Raw {
  readonly name: string;
  readonly payload: Uint8Array;
  readonly headers?: readonly (readonly [name: string, value: string])[];
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
    headers: Array.from({ length: 500 }, (_, index) => [`x-${index}`, `value ${index}`] as const),
  },
  {
    name: "an unknown content type",
    payload: text('{"value":12}'),
    headers: [["content-type", "application/x-nobody-knows; v=∞"]],
  },
];

const poison: Raw = {
  name: "poison",
  payload: text('{"value":666}'),
  headers: [
    ["x-a", "1"],
    ["x-A", "2"],
  ],
};

async function rawClient(server: Server): Promise<natsIo.NatsConnection> {
  const client = await natsIo.connect({ servers: server.address });
  onTestFinished(() => client.close());
  return client;
}

function publishRaw(client: natsIo.NatsConnection, subject: string, { payload, headers = [] }: Raw): void {
  const made = natsIo.headers();
  for (const [name, value] of headers) made.append(name, value);
  client.publish(subject, payload, { headers: made });
}

await describeLive(
  "nats",
  "what comes from the wire",
  (server) => {
    describe.each(clientNames)("over %s", (client) => {
      it("never stops a run: what is bad is set aside as it came, with the reason", async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const [topic, dead] = [`${name}.in`, `${name}.dead`];
        const setAside = new Loop(await connection.subscribe(dead, { group: "dead", ...create }));
        const values: number[] = [];
        const run = pipeline(await connection.subscribe(topic, { group: "g", ...create }), {
          onError: () => {},
        })
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
        const raw = await rawClient(server);
        const sent = [good(1), ...bad, good(2), poison, ...odd, good(3)];
        for (const message of sent) publishRaw(raw, topic, message);
        await until("the good ones are handled", () => values.length === 6);
        const letters = await setAside.take(bad.length + 1);
        for (const original of [...bad, poison]) {
          const letter = letters.find(({ payload }) => Buffer.compare(payload, original.payload) === 0);
          expect(letter, original.name).toBeDefined();
          const reason = letter?.headers.get(headerNames.deadLetterReason);
          expect(reason).toMatch(original === poison ? /poison/ : /did not decode|not valid UTF-8|not JSON/);
          expect(letter?.headers.get(headerNames.deadLetterSource)).toBe(topic);
          if (original === poison) expect(letter?.headers.getAll("x-a")).toEqual(["1", "2"]);
        }
        expect(values.sort((a, b) => a - b)).toEqual([1, 2, 3, 10, 11, 12]);
        const { deadLettered } = await run.drain();
        expect(deadLettered).toBe(bad.length + 1);
      });

      it("with headers no client would write: the payload comes all the same", async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const loop = new Loop(await connection.subscribe(`${name}.a`, create));
        const core = new Loop(await connection.core.subscribe(`${name}.a`));
        const blocks = [
          "NATS/1.0\r\nno colon\r\n\r\n",
          "NATS/1.0\r\n: no name\r\n\r\n",
          "NATS/1.0\r\na b: space\r\n\r\n",
          "NATS/1.0\r\nx: \xff\xfe\r\n\r\n",
          "NATS/1.0 200 Fine\r\n\r\n",
          "NATS/9.9\r\nx: 1\r\n\r\n",
          "NATS/1.0\r\nx: 1",
          "nothing of the kind",
        ];
        await sendBlocks(server, `${name}.a`, blocks);
        for (const [index] of blocks.entries()) {
          for (const from of [loop, core]) {
            const message = await from.next();
            expect(message.text()).toBe(`payload ${index}`);
            expect([...message.headers].every(([, value]) => typeof value === "string")).toBe(true);
            await message.ack();
          }
        }
      });

      it("10,000 generated messages come unharmed or are refused", { timeout: 120_000 }, async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const seed = Math.trunc(Math.random() * 2 ** 31);
        const messages = fc.sample(outgoing(`${name}.a`), { numRuns: 10_000, seed });
        const stored = await publishAll(connection, messages);
        const came = await takeAll(connection, name, stored.size);
        for (const message of came) {
          const sent = stored.get(message.position);
          expect(sent, `seed ${seed}, sequence ${message.position}`).toBeDefined();
          if (sent !== undefined) expectSame(message, sent, `seed ${seed}, ${JSON.stringify(sent)}`);
        }
        console.log(`${client}: of ${messages.length} generated messages ${stored.size} came, seed ${seed}`);
        expect(stored.size).toBeGreaterThan(7_000);
        expect(stored.size).toBeLessThan(messages.length);
      });

      it("1,000 generated messages of another program come unharmed", { timeout: 60_000 }, async () => {
        const connection = await connect(server, client);
        const name = await stream(connection);
        const raw = await rawClient(server);
        const seed = Math.trunc(Math.random() * 2 ** 31);
        const messages = fc.sample(rawMessage, { numRuns: 1_000, seed });
        for (const message of messages) publishRaw(raw, `${name}.a`, message);
        const came = await takeAll(connection, name, messages.length);
        for (const [index, { payload, headers = [] }] of messages.entries()) {
          const message = came[index];
          if (message === undefined) throw new Error("there are fewer");
          expectSame(message, { topic: `${name}.a`, payload, headers }, `seed ${seed}, index ${index}`);
        }
      });
    });
  },
  { own: true, config: ["max_payload: 8MB"] },
);

/** Speaks the protocol itself, as a client never would. */
async function sendBlocks(server: Server, subject: string, blocks: readonly string[]): Promise<void> {
  const { hostname, port } = new URL(server.address);
  const socket = connectSocket(Number(port), hostname);
  const answered = new Promise<void>((resolve, reject) => {
    let said = "";
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      said += chunk.toString();
      if (said.includes("-ERR")) reject(new Error(said));
      if (said.includes("PONG")) resolve();
    });
  });
  socket.write('CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n');
  for (const [index, block] of blocks.entries()) {
    const [head, payload] = [Buffer.from(block, "latin1"), Buffer.from(`payload ${index}`)];
    socket.write(`HPUB ${subject} ${head.length} ${head.length + payload.length}\r\n`);
    socket.write(Buffer.concat([head, payload, Buffer.from("\r\n")]));
  }
  socket.write("PING\r\n");
  await answered;
  socket.destroy();
}

const anyText = fc.string({ unit: "binary", maxLength: 20 });
const plainName = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,15}$/);
const plainValue = fc.oneof(
  fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/),
  fc.constantFrom("", "naïve", "日本", "a:b", "\u{1f600}"),
);
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 100 }),
  fc.json(),
);

function outgoing(topic: string): fc.Arbitrary<OutgoingMessage> {
  const plain = fc.array(fc.tuple(plainName, plainValue), { maxLength: 6 });
  const any = fc.array(
    fc.tuple(fc.oneof(plainName, anyText), fc.oneof(plainValue, anyText, fc.uint8Array({ maxLength: 9 }))),
    { maxLength: 3 },
  );
  const headers = fc.oneof({ weight: 3, arbitrary: plain }, { weight: 1, arbitrary: any });
  return fc.record(
    { topic: fc.constant(topic), payload, headers, key: fc.oneof(plainValue, anyText) },
    { requiredKeys: ["topic", "payload"] },
  );
}

const rawMessage: fc.Arbitrary<Raw> = fc.record({
  name: fc.constant("generated"),
  payload: fc.uint8Array({ maxLength: 300 }),
  headers: fc.array(fc.tuple(plainName, plainValue), { maxLength: 6 }),
});

/** What was stored, by sequence. What was not has to have been refused as invalid. */
async function publishAll(
  connection: JetStreamConnection,
  messages: readonly OutgoingMessage[],
): Promise<Map<number, OutgoingMessage>> {
  const publisher = connection.publisher();
  const stored = new Map<number, OutgoingMessage>();
  await Promise.all(
    messages.map(async (message) => {
      try {
        stored.set((await publisher.publishAcked(message)).sequence, message);
      } catch (error) {
        if (!isTidelaneError(error, "TIDELANE_INVALID_MESSAGE")) throw error;
      }
    }),
  );
  return stored;
}

async function takeAll(
  connection: JetStreamConnection,
  name: string,
  count: number,
): Promise<JetStreamMessage[]> {
  const subscriber = await connection.subscribe(`${name}.a`, create);
  const came: JetStreamMessage[] = [];
  for await (const message of subscriber) {
    came.push(message);
    await message.ack();
    if (came.length === count) break;
  }
  return came;
}

function expectSame(message: Message, sent: OutgoingMessage, what: string): void {
  const bytes = typeof sent.payload === "string" ? Buffer.from(sent.payload) : sent.payload;
  expect(Buffer.compare(message.payload, bytes), what).toBe(0);
  const { key = undefined } = sent;
  const headers = [...((sent.headers ?? []) as Iterable<readonly [string, string]>)];
  const stated = headers.find(([name]) => name.toLowerCase() === headerNames.partitionKey)?.[1];
  expect(message.partitionKey, what).toBe(key ?? stated);
  if (key !== undefined && stated === undefined) headers.push([headerNames.partitionKey, key]);
  expect(byName([...message.headers] as [string, string][]), what).toEqual(byName(headers));
}

/** The values of each name, in their order. */
function byName(headers: readonly (readonly [string, string])[]): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const folded = name.toLowerCase();
    values.set(folded, [...(values.get(folded) ?? []), value]);
  }
  return values;
}
