import { describe, expect, it } from "vitest";
import { errorOf, Loop, openGroup, setUpJetStream, store, texts } from "../../nats/support.ts";

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index + 1));

/** A stream of `count` messages, of which a reader that is no more has taken the first `taken`. */
async function afterCrash(count: number, taken: number) {
  const setup = await setUpJetStream();
  const { connection, stream, clock, nats } = setup;
  await (await openGroup(connection)).close();
  await store(connection, ...numbers(count));
  const consumer = stream.consumers.get("g");
  if (consumer === undefined) throw new Error("there is no consumer");
  const elsewhere = nats.line.subscribe("elsewhere", { callback: () => {} });
  consumer.request("elsewhere", { batch: taken, expires: 1e12, idle_heartbeat: 1e12 });
  elsewhere.unsubscribe();
  expect([...consumer.pending.keys()]).toEqual(numbers(taken).map(Number));
  const open = async (sole: boolean, maxInFlight = 100) => {
    const subscriber = await openGroup(connection, { sole, maxInFlight, prefetch: maxInFlight });
    return new Loop(subscriber, clock);
  };
  return { ...setup, consumer, open };
}

describe("a group whose reader has died", () => {
  it("gives what it held to a sole reader at once, before anything new", async () => {
    const { open, clock } = await afterCrash(10, 4);
    const loop = await open(true);
    expect(texts(await loop.take(10))).toEqual(numbers(10));
    expect(clock.now()).toBe(0);
  });

  it("gives it to any other reader late", async () => {
    const { open } = await afterCrash(10, 4);
    const loop = await open(false);
    expect(texts(await loop.take(6))).toEqual(["5", "6", "7", "8", "9", "10"]);
    expect(await loop.peek()).toBe("nothing");
  });

  it("gives it to a sole reader in the order of the stream, in whatever order the server has it", async () => {
    const { open, consumer } = await afterCrash(10, 6);
    consumer.unsorted = true;
    // Nobody asks for anything: these are due first, and the others behind them.
    for (const sequence of [5, 2]) consumer.answer(sequence, "-NAK");
    expect(texts(await (await open(true)).take(10))).toEqual(numbers(10));
  });

  it("gives all of it, in order, also where a sole reader has less room than the one before", async () => {
    const { open, consumer } = await afterCrash(10, 6);
    consumer.unsorted = true;
    for (const sequence of [6, 4]) consumer.answer(sequence, "-NAK");
    const loop = await open(true, 3);
    const came: string[] = [];
    while (came.length < 10) {
      const message = await loop.next();
      came.push(message.text());
      await message.ack();
    }
    expect(came).toEqual(numbers(10));
  });

  it("gives all of it before anything new, also where the server keeps some of it back at first", async () => {
    const { open, consumer, clock } = await afterCrash(10, 6);
    for (const sequence of [2, 5]) consumer.keptBack.add(sequence);
    const loop = await open(true);
    const next = loop.next();
    await clock.advance(1_000);
    expect(texts([await next, ...(await loop.take(9))])).toEqual(numbers(10));
  });

  it("gives it also where nothing new comes, and the server says so", async () => {
    const { open, consumer, clock } = await afterCrash(4, 4);
    consumer.keptBack.add(1);
    const loop = await open(true);
    const next = loop.next();
    await clock.advance(10_000);
    expect(texts([await next, ...(await loop.take(3))])).toEqual(numbers(4));
  });

  it("does not wait for ever for what is no longer in the stream", async () => {
    const { open, stream, clock } = await afterCrash(6, 4);
    stream.messages = stream.messages.filter(({ sequence }) => sequence !== 2);
    const loop = await open(true);
    const next = loop.next();
    await clock.advance(60_000);
    expect(texts([await next, ...(await loop.take(4))])).toEqual(["1", "3", "4", "5", "6"]);
  });

  it("leaves out what was settled in between", async () => {
    const { open, consumer } = await afterCrash(6, 4);
    consumer.answer(2, "+ACK");
    expect(texts(await (await open(true)).take(5))).toEqual(["1", "3", "4", "5", "6"]);
  });
});

describe("a sole reader", () => {
  it("takes back what was delivered and never came, and does not go on without it", async () => {
    const { clock, connection, stream, nats } = await setUpJetStream();
    const subscriber = await openGroup(connection, { sole: true, prefetch: 2 });
    const loop = new Loop(subscriber, clock);
    await store(connection, "1");
    await (await loop.next()).ack();
    const consumer = stream.consumers.get("g");
    const next = loop.next();
    await clock.flush();
    // As when a request of an older connection is still answered there.
    nats.line.subscribe("elsewhere", { callback: () => {} });
    const own = consumer?.requests.splice(0) ?? [];
    consumer?.request("elsewhere", { batch: 2, expires: 1e12, idle_heartbeat: 1e12 });
    consumer?.requests.push(...own);
    await store(connection, "2", "3", "4", "5");
    await clock.advance(1_000);
    const came = [await next, ...(await loop.take(3))];
    expect(texts(came)).toEqual(["2", "3", "4", "5"]);
  });

  it("keeps what the server delivers again while it is held, and answers for the new delivery", async () => {
    const { clock, connection, stream } = await setUpJetStream();
    const loop = new Loop(await openGroup(connection, { sole: true }), clock);
    await store(connection, "1", "2");
    const [one] = await loop.take(2);
    const consumer = stream.consumers.get("g");
    void loop.next();
    await clock.flush();
    consumer?.repeat(1, 1);
    await clock.flush();
    expect(one?.revoked).toBeUndefined();
    expect(one?.deliveryCount).toBe(2);
    await one?.ack();
    await clock.flush();
    expect(consumer?.answers.at(-1)).toBe("1 +ACK");
  });

  it("revokes all it holds when one ack deadline passes, so that none overtakes the one that comes again", async () => {
    const { clock, connection } = await setUpJetStream();
    const loop = new Loop(
      await openGroup(connection, { sole: true, ackDeadlineMs: 1_000, maxInFlight: 2 }),
      clock,
    );
    await store(connection, "1");
    const one = await loop.next();
    await clock.advance(500);
    await store(connection, "2");
    const two = await loop.next();
    await clock.advance(501);
    expect(one.revoked).toBeDefined();
    expect(two.revoked).toBeDefined();
    await clock.advance(1_000);
    expect(texts(await loop.take(2))).toEqual(["1", "2"]);
  });

  it("is of a group", async () => {
    const { connection } = await setUpJetStream();
    const error = await errorOf(connection.subscribe("s.a", { sole: true }));
    expect(error.message).toContain("options.sole");
  });
});
