import { describe, expect, it } from "vitest";
import { isTidelaneError } from "../../../../src/traits/index.ts";
import { errorOf, Loop, openGroup, setUpJetStream, store, texts } from "../../nats/support.ts";

const many = Array.from({ length: 40 }, (_, index) => String(index + 1));

async function opened(options: Parameters<typeof openGroup>[1] = {}) {
  const setup = await setUpJetStream();
  await store(setup.connection, ...many);
  const subscriber = await openGroup(setup.connection, options);
  const consumer = setup.stream.consumers.get("g");
  if (consumer === undefined) throw new Error("there is no consumer");
  const load = (): number => consumer.pending.size + consumer.outstanding;
  return { ...setup, subscriber, consumer, load };
}

describe("what is asked for", () => {
  it("is nothing before somebody asks", async () => {
    const { clock, load } = await opened();
    await clock.advance(1_000);
    expect(load()).toBe(0);
  });

  it("is at most prefetch ahead of the loop", async () => {
    const { clock, subscriber, load } = await opened({ prefetch: 6 });
    const loop = new Loop(subscriber, clock);
    await loop.next();
    await clock.flush();
    // One that was taken, and what may wait here.
    expect(load()).toBeLessThanOrEqual(7);
    for (let taken = 1; taken < 20; taken += 1) {
      await (await loop.next()).ack();
      await clock.flush();
      expect(load()).toBeLessThanOrEqual(7);
    }
  });

  it("never makes more than maxInFlight unsettled, and goes on when one is settled", async () => {
    const { clock, subscriber, load } = await opened({ maxInFlight: 3 });
    const loop = new Loop(subscriber, clock);
    const held = await loop.take(3);
    const next = loop.next();
    await clock.flush();
    expect(load()).toBe(3);
    await held[1]?.ack();
    expect((await next).text()).toBe("4");
    await clock.flush();
    expect(load()).toBe(3);
  });

  it("beyond the bound is given back, should it come all the same", async () => {
    const { clock, nats, subscriber, consumer } = await opened({ maxInFlight: 1 });
    const loop = new Loop(subscriber, clock);
    await loop.next();
    // A request that we took for forgotten, and the server did not.
    const inbox = [...nats.line.subscriptions].at(-1)?.subject.replace("*", "stale") ?? "";
    consumer.request(inbox, { batch: 1, expires: 1e9, idle_heartbeat: 5e8 });
    await clock.flush();
    expect(consumer.answers).toEqual(["2 -NAK"]);
    expect(await loop.peek()).toBe("nothing");
  });

  it("is asked for again when a request runs out", async () => {
    const { clock, connection, subscriber, consumer } = await opened();
    const loop = new Loop(subscriber, clock);
    for (const message of await loop.take(many.length)) await message.ack();
    const next = loop.next();
    await clock.advance(95_000);
    expect(consumer.outstanding).toBeGreaterThan(0);
    expect(consumer.outstanding).toBeLessThanOrEqual(64);
    await store(connection, "late");
    expect((await next).text()).toBe("late");
  });

  it("is refused for good where the server says so", async () => {
    const { clock, subscriber, consumer } = await opened({ maxInFlight: 50, prefetch: 50 });
    const loop = new Loop(subscriber, clock);
    await loop.take(many.length);
    const waiting = loop.peek();
    consumer.status(undefined, 409, "Exceeded MaxRequestBatch of 10");
    const error = (await waiting) as Error;
    expect(isTidelaneError(error, "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    expect(error.message).toContain("Exceeded MaxRequestBatch of 10");
  });
});

describe("pause()", () => {
  it("takes the requests back; what has come is still handed out; resume() goes on", async () => {
    const { clock, subscriber, consumer } = await opened({ prefetch: 4 });
    const loop = new Loop(subscriber, clock);
    await loop.next();
    await clock.flush();
    subscriber.pause();
    subscriber.pause();
    expect(subscriber.paused).toBe(true);
    await clock.flush();
    const here = consumer.pending.size - 1;
    expect(texts(await loop.take(here)).length).toBe(here);
    const next = loop.next();
    await clock.advance(1_000);
    expect(consumer.pending.size).toBe(here + 1);
    subscriber.resume();
    expect(subscriber.paused).toBe(false);
    expect((await next).text()).toBe(String(here + 2));
  });
});

describe("batches()", () => {
  it("hold up to max, or what came within maxWaitMs", async () => {
    const { clock, subscriber } = await opened({ prefetch: 40 });
    const batches = subscriber.batches({ max: 30, maxWaitMs: 20 })[Symbol.asyncIterator]();
    const first = await batches.next();
    expect(first.value?.length).toBe(30);
    const second = batches.next();
    await clock.advance(20);
    expect(texts((await second).value ?? [])).toEqual(many.slice(30));
  });

  it("wait less than the ack deadline", async () => {
    const { subscriber } = await opened({ ackDeadlineMs: 50 });
    expect(() => subscriber.batches({ max: 2, maxWaitMs: 50 })).toThrow(
      /options.maxWaitMs must be less than/,
    );
  });
});

describe("seek()", () => {
  it("goes on where a member that opens has created the consumer in between", async () => {
    const { clock, stream, subscriber } = await opened({ from: "start" });
    const loop = new Loop(subscriber, clock);
    expect((await loop.next()).text()).toBe("1");
    const remove = stream.deleteConsumer.bind(stream);
    stream.deleteConsumer = (name, quietly) => {
      const config = { ...stream.consumers.get(name)?.config };
      remove(name, quietly);
      stream.deleteConsumer = remove;
      stream.createConsumer(name, config, "");
    };
    await subscriber.seek("start");
    expect((await loop.next()).text()).toBe("1");
  });

  it.each([
    [7, "7"],
    ["start", "1"],
  ] as const)("to %s delivers %s next, with counts that begin anew", async (position, text) => {
    const { clock, subscriber, jetStream } = await opened();
    const loop = new Loop(subscriber, clock);
    const held = await loop.take(3);
    await held[0]?.ack();
    jetStream.calls.length = 0;
    await subscriber.seek(position);
    expect(
      isTidelaneError(await errorOf(held[1]?.ack() ?? Promise.resolve()), "TIDELANE_DELIVERY_REVOKED"),
    ).toBe(true);
    const next = await loop.next();
    expect([next.text(), next.deliveryCount]).toEqual([text, 1]);
    expect(jetStream.calls.slice(-2)).toEqual(["CONSUMER.DELETE.S.g", "CONSUMER.CREATE.S.g.s.a"]);
  });

  it("to the end skips all there is, and to a moment asks for it", async () => {
    const { clock, connection, stream, subscriber } = await opened();
    const loop = new Loop(subscriber, clock);
    await subscriber.seek("end");
    const next = loop.next();
    await store(connection, "new");
    expect((await next).text()).toBe("new");
    await subscriber.seek(new Date(5));
    expect(stream.consumers.get("g")?.config).toMatchObject({
      deliver_policy: "by_start_time",
      opt_start_time: "1970-01-01T00:00:00.005Z",
    });
  });

  it("to a position the stream does not hold moves nothing", async () => {
    const { clock, stream, subscriber } = await opened();
    const loop = new Loop(subscriber, clock);
    const held = await loop.next();
    stream.messages = stream.messages.filter(({ sequence }) => sequence > 2 && sequence !== 5);
    for (const position of [2, 42, 5]) {
      const error = await errorOf(subscriber.seek(position));
      expect(isTidelaneError(error, "TIDELANE_POSITION_UNAVAILABLE")).toBe(true);
    }
    await subscriber.seek(41);
    expect(held.revoked).toBeDefined();
  });

  it.each([0, 1.5, "middle", new Date(Number.NaN)])("refuses %s", async (position) => {
    const { subscriber } = await opened();
    const error = await errorOf(subscriber.seek(position as number));
    expect(isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT")).toBe(true);
  });

  it("makes a new consumer of our own before the old one goes", async () => {
    const { clock, connection, stream, jetStream } = await opened();
    const subscriber = await connection.subscribe("s.a");
    const loop = new Loop(subscriber, clock);
    jetStream.calls.length = 0;
    await subscriber.seek(3);
    expect((await loop.next()).text()).toBe("3");
    await clock.flush();
    expect(stream.consumers.size).toBe(2);
    const changes = jetStream.calls.filter((call) => /CREATE|DELETE/.test(call));
    expect(changes.map((call) => call.split(".")[1])).toEqual(["CREATE", "DELETE"]);
  });

  it("moves the others of the group when the server tells them", async () => {
    const { clock, connection, subscriber } = await opened();
    const other = new Loop(await openGroup(connection), clock);
    const held = await other.next();
    await subscriber.seek("start");
    await clock.advance(1_000);
    expect(held.revoked?.message).toContain("made again");
  });

  it.each(["end", 7, "start"] as const)(
    "to %s leaves the group open to those who name its start",
    async (position) => {
      const { clock, connection, subscriber } = await opened({ from: "start" });
      await subscriber.seek(position);
      await subscriber.seek(position);
      await subscriber.close();
      await clock.flush();
      const again = await connection.subscribe("s.a", { group: "g", from: "start" });
      const loop = new Loop(again, clock);
      const next = loop.next();
      await store(connection, "new");
      expect((await next).text()).toBe({ end: "new", 7: "7", start: "1" }[position]);
    },
  );

  it("rejects once it is closed", async () => {
    const { subscriber, connection } = await opened();
    await subscriber.close();
    expect(isTidelaneError(await errorOf(subscriber.seek(1)), "TIDELANE_SUBSCRIPTION_FAILED")).toBe(true);
    await connection.close();
    expect(isTidelaneError(await errorOf(subscriber.seek(1)), "TIDELANE_CONNECTION_CLOSED")).toBe(true);
  });
});
