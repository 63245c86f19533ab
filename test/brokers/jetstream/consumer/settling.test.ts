import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { errorOf, Loop, openGroup, setUpJetStream, store, texts } from "../../nats/support.ts";

async function delivered(...payloads: string[]) {
  const setup = await setUpJetStream();
  await store(setup.connection, ...payloads);
  const subscriber = await openGroup(setup.connection, { ackDeadlineMs: 1_000 });
  const loop = new Loop(subscriber, setup.clock);
  const messages = await loop.take(payloads.length);
  const consumer = setup.stream.consumers.get("g");
  if (consumer === undefined) throw new Error("there is no consumer");
  return { ...setup, subscriber, loop, messages, consumer };
}

describe("a delivery", () => {
  it("says what it is", async () => {
    const { messages } = await delivered("1", "2");
    const [, second] = messages;
    expect(second).toMatchObject({
      topic: "s.a",
      position: 2,
      deliveryCount: 1,
      stream: "S",
      consumer: "g",
      pendingAfter: 0,
      storedAt: new Date(1_000_000),
    });
  });

  it("is acked, given back, or dropped", async () => {
    const { messages, consumer, loop } = await delivered("1", "2", "3");
    const [first, second, third] = messages;
    await first?.ack();
    await second?.nack();
    await third?.nack({ requeue: false });
    const again = await loop.next();
    expect([again.text(), again.deliveryCount]).toEqual(["2", 2]);
    expect(consumer.answers).toEqual(["1 +ACK", "2 -NAK", "3 +TERM"]);
  });

  it("is answered in the order of the settles, acks that wait for the end of their turn among them", async () => {
    const settle = fc.constantFrom("ack", "requeue", "drop", "turn");
    await fc.assert(
      fc.asyncProperty(fc.array(settle, { minLength: 1, maxLength: 8 }), async (settles) => {
        const { clock, messages, consumer, subscriber } = await delivered(...settles);
        const expected: string[] = [];
        for (const [index, how] of settles.entries()) {
          const message = messages[index];
          if (how === "turn") await clock.flush();
          else if (how === "ack") await message?.ack();
          else await message?.nack({ requeue: how === "requeue" });
          const answer = { ack: "+ACK", requeue: "-NAK", drop: "+TERM", turn: undefined }[how];
          if (answer !== undefined) expected.push(`${index + 1} ${answer}`);
        }
        const closed = subscriber.close();
        await clock.flush();
        expect(consumer.answers.slice(0, expected.length)).toEqual(expected);
        await clock.advance(5_000);
        await closed;
      }),
      { numRuns: 50 },
    );
  });

  it("comes back after the delay it was given back with, and not before", async () => {
    const { clock, messages, loop } = await delivered("1");
    await messages[0]?.nackAfter(400);
    const next = loop.next();
    let came = false;
    void next.then(() => {
      came = true;
    });
    await clock.advance(399);
    expect(came).toBe(false);
    await clock.advance(1);
    expect((await next).deliveryCount).toBe(2);
  });

  it("is settled once", async () => {
    const { clock, messages, consumer } = await delivered("1");
    await messages[0]?.ack();
    const error = await errorOf(messages[0]?.nack() ?? Promise.resolve());
    expect(isTidelaneError(error, "TIDELANE_ALREADY_SETTLED")).toBe(true);
    await clock.flush();
    expect(consumer.answers).toEqual(["1 +ACK"]);
  });

  it("is dropped with a reason where the server knows reasons", async () => {
    for (const [version, answer] of [
      ["2.9.10", "1 +TERM"],
      ["2.10.3", "1 +TERM"],
      ["2.10.4", "1 +TERM bad"],
      ["2.11.0-rc.1", "1 +TERM bad"],
    ] as const) {
      const { nats, messages, consumer } = await delivered("1");
      nats.info = { version, max_payload: 1_000 };
      await messages[0]?.drop("bad");
      expect(consumer.answers).toEqual([answer]);
    }
  });

  it("is acked with confirmation where that is asked for", async () => {
    const { clock, nats, messages, consumer } = await delivered("1");
    const { send } = nats.jetStream;
    let confirmed = false;
    Object.assign(nats.jetStream, { send: () => {} });
    const acked = messages[0]?.ackConfirmed().then(() => {
      confirmed = true;
    });
    await clock.flush();
    expect(consumer.answers).toEqual(["1 +ACK"]);
    expect(confirmed).toBe(false);
    Object.assign(nats.jetStream, { send });
    nats.line.lose();
    await clock.flush();
    // It is sent again: to be told twice does no harm.
    nats.line.restore();
    await acked;
    expect(consumer.answers).toEqual(["1 +ACK", "1 +ACK"]);
  });

  it.each([
    ["was sent", 1],
    ["waits for the connection", 2],
    ["fills maxInFlight", 1],
  ])("whose confirmation %s is confirmed by a server that forgot it had delivered it", async (when, lost) => {
    const { clock, nats, connection, stream } = await setUpJetStream({ apiTimeoutMs: 20_000 });
    await store(connection, "1", "2");
    const options = when === "fills maxInFlight" ? { maxInFlight: 2 } : {};
    const loop = new Loop(await openGroup(connection, { confirmAcks: true, ...options }), clock);
    const messages = await loop.take(2);
    const consumer = stream.consumers.get("g");
    const next = loop.next();
    if (when !== "was sent") nats.line.lose();
    const { send } = nats.jetStream;
    if (when === "was sent") Object.assign(nats.jetStream, { send: () => {} });
    const acked = Promise.all(messages.map((message) => message.ack()));
    await clock.flush();
    Object.assign(nats.jetStream, { send });
    if (when === "was sent") nats.line.lose();
    consumer?.forget(lost);
    nats.line.restore();
    await acked;
    expect(consumer?.answers.slice(-1)).toEqual(["2 +ACK"]);
    await store(connection, "3");
    expect((await next).text()).toBe("3");
  });

  it("that waits to be confirmed rejects when its subscriber fails", async () => {
    const { clock, nats, connection, stream } = await setUpJetStream({ apiTimeoutMs: 20_000 });
    await store(connection, "1");
    const subscriber = await openGroup(connection, { confirmAcks: true });
    const message = await new Loop(subscriber, clock).next();
    nats.line.lose();
    const told = errorOf(message.ack());
    stream.deleteConsumer("g");
    nats.line.restore();
    await clock.advance(5_000);
    expect(isTidelaneError(await told, "TIDELANE_DELIVERY_REVOKED")).toBe(true);
  });

  it("of a source with confirmAcks is always confirmed", async () => {
    const { clock, nats, connection } = await setUpJetStream({ apiTimeoutMs: 200 });
    await store(connection, "1");
    const loop = new Loop(await openGroup(connection, { confirmAcks: true }), clock);
    const message = await loop.next();
    Object.assign(nats.jetStream, { send: () => {} });
    const told = errorOf(message.ack());
    await clock.advance(200);
    expect(isTidelaneError(await told, "TIDELANE_TIMEOUT")).toBe(true);
  });
});

describe("the ack deadline", () => {
  it("revokes a delivery that is not settled, and delivers it again", async () => {
    const { clock, messages, loop } = await delivered("1");
    const [first] = messages;
    const { signal } = first ?? { signal: undefined };
    await clock.advance(999);
    expect(first?.revoked).toBeUndefined();
    await clock.advance(1);
    expect(signal?.aborted).toBe(true);
    expect(
      isTidelaneError(await errorOf(first?.ack() ?? Promise.resolve()), "TIDELANE_DELIVERY_REVOKED"),
    ).toBe(true);
    expect((await loop.next()).deliveryCount).toBe(2);
  });

  it("starts anew with keepAlive()", async () => {
    const { clock, messages, consumer } = await delivered("1");
    await clock.advance(900);
    await messages[0]?.keepAlive();
    await clock.advance(900);
    await messages[0]?.ack();
    await clock.flush();
    expect(consumer.answers).toEqual(["1 +WPI", "1 +ACK"]);
  });

  it("does not run out for what waits for a loop that is at work", async () => {
    const { clock, connection, stream } = await setUpJetStream();
    await store(connection, "1", "2");
    const loop = new Loop(await openGroup(connection, { ackDeadlineMs: 900 }), clock);
    const first = await loop.next();
    await first.ack();
    await clock.advance(5_000);
    const second = await loop.next();
    expect([second.text(), second.deliveryCount]).toEqual(["2", 1]);
    await second.ack();
    await clock.flush();
    expect(stream.consumers.get("g")?.pending.size).toBe(0);
  });

  it("gives back what waits while no loop is at work", async () => {
    const { clock, connection } = await setUpJetStream();
    await store(connection, "1", "2");
    const subscriber = await openGroup(connection, { ackDeadlineMs: 900 });
    const loop = new Loop(subscriber, clock);
    await (await loop.next()).ack();
    await loop.end();
    await clock.advance(5_000);
    const later = new Loop(subscriber, clock);
    expect((await later.next()).text()).toBe("2");
  });

  it("is a full one again for what is delivered again while it is held, and is still held", async () => {
    const { clock, messages, consumer } = await delivered("1");
    const [held] = messages;
    await clock.advance(900);
    consumer.repeat(1, 1);
    await clock.advance(900);
    expect([held?.revoked, held?.deliveryCount]).toEqual([undefined, 2]);
    await held?.ack();
    await clock.flush();
    expect([consumer.answers, consumer.pending.size]).toEqual([["1 +ACK"], 0]);
  });
});

describe("a settle while the connection is lost", () => {
  it("is sent when it is back", async () => {
    const { clock, nats, messages, consumer } = await delivered("1", "2");
    nats.line.lose();
    await clock.flush();
    const settled = Promise.all([messages[0]?.ack(), messages[1]?.nack()]);
    await clock.flush();
    expect(consumer.answers).toEqual([]);
    nats.line.restore();
    await settled;
    expect(consumer.answers).toEqual(["1 +ACK", "2 -NAK"]);
  });

  it("waits until the consumer is back too, which on a server that was restarted takes longer", async () => {
    const { clock, nats, jetStream, messages, consumer } = await delivered("1", "2");
    nats.line.lose();
    await clock.flush();
    const before = messages[0]?.ack();
    jetStream.enabled = false;
    nats.line.restore();
    await clock.flush();
    const after = messages[1]?.ack();
    await clock.advance(300);
    expect(consumer.answers).toEqual([]);
    jetStream.enabled = true;
    await clock.advance(500);
    await Promise.all([before, after]);
    expect([consumer.answers, consumer.pending.size]).toEqual([["1 +ACK", "2 +ACK"], 0]);
  });

  it("answers for a delivery that the server has forgotten, and gives it to nobody again", async () => {
    const { clock, nats, loop, messages, consumer, connection } = await delivered("1");
    nats.line.lose();
    await clock.flush();
    const settled = messages[0]?.ack();
    nats.line.restore();
    await settled;
    consumer.repeat(1, 0);
    await store(connection, "2");
    expect((await loop.next()).text()).toBe("2");
    expect(consumer.answers).toEqual(["1 +ACK", "1 +ACK"]);
  });

  it("rejects when the deadline passes first", async () => {
    const { clock, nats, messages, consumer } = await delivered("1");
    nats.line.lose();
    await clock.flush();
    const told = errorOf(messages[0]?.ack() ?? Promise.resolve());
    await clock.advance(1_000);
    expect(isTidelaneError(await told, "TIDELANE_DELIVERY_REVOKED")).toBe(true);
    nats.line.restore();
    await clock.flush();
    expect(consumer.answers).toEqual([]);
  });
});

describe("close()", () => {
  it("gives back everything that is not settled, and revokes it", async () => {
    const { clock, stream, connection, subscriber, messages, consumer } = await delivered("1", "2");
    await store(connection, "3");
    await messages[0]?.ack();
    await subscriber.close();
    expect(consumer.answers).toEqual(["1 +ACK", "2 -NAK", "3 -NAK"]);
    const error = await errorOf(messages[1]?.ack() ?? Promise.resolve());
    expect(isTidelaneError(error, "TIDELANE_DELIVERY_REVOKED")).toBe(true);
    const other = new Loop(await openGroup(connection, { ackDeadlineMs: 1_000 }), clock);
    expect(texts(await other.take(2))).toEqual(["2", "3"]);
    expect(stream.consumers.has("g")).toBe(true);
  });

  it("first takes its requests back, and has the server forget them", async () => {
    const { nats, subscriber } = await delivered("1");
    const said: string[] = [];
    const publish = nats.publish.bind(nats);
    nats.publish = (message) => {
      const { draining } = [...nats.line.subscriptions].at(-1) ?? { draining: "gone" };
      said.push(`${message.subject.split(".").slice(1, 4).join(".")}, ${draining}`);
      publish(message);
    };
    await subscriber.close();
    expect(said).toEqual(["API.CONSUMER.INFO, true", "ACK.S.g, false"]);
  });

  it("is over at once without a connection", async () => {
    const { clock, nats, jetStream, subscriber, messages } = await delivered("1");
    nats.line.lose();
    await clock.flush();
    await subscriber.close();
    expect(messages[0]?.revoked).toBeDefined();
    jetStream.stop();
    expect(clock.timers).toBe(0);
  });
});
