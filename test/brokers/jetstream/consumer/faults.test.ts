import { describe, expect, it } from "vitest";
import type { JetStreamMessage } from "../../../../src/brokers/nats/index.ts";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { errorOf, events, Loop, openGroup, setUpJetStream, store, texts } from "../../nats/support.ts";

const heartbeatMs = 1_000;

async function running(group: boolean) {
  const setup = await setUpJetStream();
  const { connection, stream, clock } = setup;
  const options = { heartbeatMs, from: "start", ackDeadlineMs: 60_000 } as const;
  const subscriber = group
    ? await openGroup(connection, options)
    : await connection.subscribe("s.a", options);
  const loop = new Loop(subscriber, clock);
  const consumer = () => {
    const [one] = stream.consumers.values();
    if (one === undefined) throw new Error("there is no consumer");
    return one;
  };
  return { ...setup, subscriber, loop, consumer };
}

async function ackAll(messages: readonly JetStreamMessage[]): Promise<void> {
  for (const message of messages) await message.ack();
}

describe("a consumer of our own that is deleted", () => {
  it("is made again where it stopped: nothing is left out, nothing that is done comes again", async () => {
    const { clock, connection, stream, loop } = await running(false);
    const seen = events("tidelane:reconnect");
    await store(connection, "1", "2", "3", "4");
    const [one, two, three, four] = await loop.take(4);
    await one?.ack();
    await three?.ack();
    await two?.nackAfter(30_000);
    const [name = ""] = stream.consumers.keys();
    stream.deleteConsumer(name);
    await store(connection, "5");
    await clock.advance(1_000);
    expect(four?.revoked?.message).toContain("its consumer was deleted");
    const came = await loop.take(3);
    await ackAll(came);
    expect(await loop.peek()).toBe("nothing");
    expect(texts(came)).toEqual(["2", "4", "5"]);
    expect([...stream.consumers.keys()]).not.toContain(name);
    expect(seen.map(({ state }) => state)).toEqual(["lost", "restored"]);
    expect(String(seen[0]?.error)).toContain("it was deleted");
  });

  it("is missed by its heartbeats when the server says nothing", async () => {
    const { clock, connection, stream, loop } = await running(false);
    const next = loop.next();
    await clock.flush();
    const [name = ""] = stream.consumers.keys();
    stream.deleteConsumer(name, true);
    await store(connection, "1");
    await clock.advance(2.5 * heartbeatMs + 1_000);
    expect((await next).text()).toBe("1");
  });

  it("ends with its stream", async () => {
    const { clock, jetStream, stream, loop } = await running(false);
    const waiting = errorOf(loop.next());
    await clock.flush();
    const [name = ""] = stream.consumers.keys();
    stream.deleteConsumer(name);
    jetStream.streams.delete("S");
    await clock.advance(5_000);
    const error = await waiting;
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toContain("its stream was deleted");
  });

  it("is not resumed in another stream of the same name", async () => {
    const { clock, connection, jetStream, stream, loop } = await running(false);
    await store(connection, "1", "2");
    await ackAll(await loop.take(2));
    const waiting = errorOf(loop.next());
    await clock.flush();
    const [name = ""] = stream.consumers.keys();
    stream.deleteConsumer(name);
    jetStream.streams.delete("S");
    await connection.createStream("S", { subjects: ["s.>"] });
    await clock.advance(1_000);
    expect((await waiting).message).toContain("deleted and created again");
  });
});

describe("the consumer of a group that is deleted", () => {
  it("ends the subscription with what to do, after a look whether it comes back", async () => {
    const { clock, connection, jetStream, stream, loop } = await running(true);
    await store(connection, "1");
    const held = await loop.next();
    const waiting = errorOf(loop.next());
    await clock.flush();
    stream.deleteConsumer("g");
    await clock.advance(1_900);
    expect(held.revoked).toBeUndefined();
    await clock.advance(1_500);
    const error = await waiting;
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toContain('the consumer "g" of the stream "S"');
    expect(error.message).toContain("it was deleted");
    expect(held.revoked).toBeDefined();
    jetStream.stop();
    expect(clock.timers).toBe(0);
  });

  it("goes on when somebody makes it again", async () => {
    const { clock, connection, stream, loop, consumer } = await running(true);
    const next = loop.next();
    await clock.flush();
    const { config } = consumer();
    stream.deleteConsumer("g");
    await clock.advance(500);
    stream.createConsumer("g", config, "s.a");
    await store(connection, "1");
    await clock.advance(1_000);
    expect((await next).text()).toBe("1");
  });
});

describe("missed heartbeats", () => {
  it("make a new request where the consumer is there", async () => {
    const { clock, connection, consumer, loop } = await running(true);
    const next = loop.next();
    await clock.flush();
    // The server has lost the request, and everything it would have said of it.
    consumer().dead = true;
    for (const request of consumer().requests.splice(0)) for (const timer of request.timers) timer.cancel();
    await clock.advance(2.5 * heartbeatMs + 1_000);
    consumer().dead = false;
    await store(connection, "1");
    expect((await next).text()).toBe("1");
  });

  it("end the subscription when the API does not answer for recoveryMs", async () => {
    const { clock, jetStream, connection } = await setUpJetStream({ apiTimeoutMs: 1_000 });
    const loop = new Loop(await openGroup(connection, { heartbeatMs, recoveryMs: 10_000 }), clock);
    const waiting = errorOf(loop.next());
    await clock.flush();
    jetStream.silent.add("CONSUMER.INFO");
    const [consumer] = jetStream.stream("S").consumers.values();
    if (consumer !== undefined) consumer.dead = true;
    await clock.advance(20_000);
    const error = await waiting;
    expect(error.message).toContain("not found again in 10000 ms");
    await connection.close();
    jetStream.stop();
    expect(clock.timers).toBe(0);
  });

  it("are none while nothing is asked for", async () => {
    const { clock, consumer } = await running(true);
    const seen = events("tidelane:reconnect");
    consumer().dead = true;
    await clock.advance(10 * heartbeatMs);
    expect(seen).toEqual([]);
  });
});

describe("a connection that is lost", () => {
  it("asks again when it is back, and what is in flight stays so", async () => {
    const { clock, nats, connection, loop, consumer } = await running(true);
    await store(connection, "1");
    const held = await loop.next();
    const next = loop.next();
    await clock.flush();
    nats.line.lose();
    await clock.flush();
    for (const request of consumer().requests.splice(0)) for (const timer of request.timers) timer.cancel();
    nats.line.restore();
    await clock.flush();
    await store(connection, "2");
    expect((await next).text()).toBe("2");
    await held.ack();
    await clock.flush();
    expect(consumer().answers).toEqual(["1 +ACK"]);
  });

  it("does not hand out again what was acked and the server forgot", async () => {
    const { clock, nats, connection, loop, consumer } = await running(true);
    await store(connection, "1", "2");
    await ackAll(await loop.take(2));
    nats.line.lose();
    await clock.flush();
    nats.line.restore();
    await clock.flush();
    // Killed before it had written them down: it begins anew with the first.
    consumer().next = 1;
    consumer().answers.length = 0;
    await store(connection, "3");
    expect((await loop.next()).text()).toBe("3");
    expect(consumer().answers).toEqual(["1 +ACK", "2 +ACK"]);
  });

  it("for good ends the subscription with the reason", async () => {
    const { clock, nats, connection, loop } = await running(true);
    await store(connection, "1");
    const held = await loop.next();
    const waiting = errorOf(loop.next());
    await clock.flush();
    nats.line.end(new Error("authorization revoked"));
    const error = await waiting;
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toContain("authorization revoked");
    expect(held.revoked?.message).toContain("authorization revoked");
    expect(await loop.peek()).toBe("done");
  });

  it("of the permission to answer ends the subscription, rather than all coming again for ever", async () => {
    const { clock, nats, connection, loop } = await running(true);
    await store(connection, "1", "2");
    const [first, second] = await loop.take(2);
    Object.assign(nats.denied, { has: (subject: string) => subject.startsWith("$JS.ACK.S.g.") });
    await first?.ack();
    await clock.flush();
    const error = (await loop.peek()) as Error;
    expect(error.message).toContain(
      '"s.a" ended: what is settled does not get through: the server does not permit',
    );
    expect(second?.signal.aborted).toBe(true);
    expect(await loop.peek()).toBe("done");
  });
});

describe("close()", () => {
  it("gives back what is in flight, ends who waits, and leaves no timer", async () => {
    const { clock, nats, jetStream, connection, loop, consumer } = await running(true);
    await store(connection, "1");
    const held = await loop.next();
    const waiting = loop.peek();
    await connection.close();
    expect(await waiting).toBe("done");
    expect(held.revoked).toBeDefined();
    expect(consumer().answers).toEqual(["1 -NAK"]);
    expect(nats.line.isClosed()).toBe(true);
    jetStream.stop();
    expect(clock.timers).toBe(0);
  });

  it("is bounded when the server does not answer", async () => {
    const { clock, nats, connection, loop } = await running(true);
    await store(connection, "1");
    await loop.next();
    nats.line.stalled = true;
    let over = false;
    void connection.close().then(() => {
      over = true;
    });
    await clock.advance(4_999);
    expect(over).toBe(false);
    await clock.advance(1);
    expect(over).toBe(true);
  });
});
