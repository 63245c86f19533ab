import { MemoryBroker, systemClock, UnknownOptionError } from "tidelane";
import { buffered, fromIterable, merged, named } from "tidelane/sources";
import { VirtualClock } from "tidelane/testing";
import { describe, expect, it } from "vitest";

async function open() {
  const clock = new VirtualClock();
  const connection = await new MemoryBroker({ clock }).connect();
  return { clock, connection };
}

describe("the clock of a subscriber", () => {
  it("is that of its broker, through every source", async () => {
    const { clock, connection } = await open();
    const plain = await connection.subscribe("a");
    const byName = await connection.subscribe(named("b"));
    const batched = await connection.subscribe(buffered(named<typeof connection>("c"), { max: 2 }));
    const many = await connection.subscribe(merged([named<typeof connection>("d")]));
    for (const subscriber of [plain, byName, batched, many]) expect(subscriber.clock).toBe(clock);
  });

  it("of several parts is the one that is not the system's", async () => {
    const { clock, connection } = await open();
    const lines = await fromIterable(["x"], { topic: "lines" }).open();
    expect(lines.clock).toBe(systemClock);
    expect(merged([lines, await connection.subscribe("a")]).clock).toBe(clock);
    expect(merged([lines]).clock).toBe(systemClock);
  });

  it("is the one that is given, where one is", async () => {
    const { connection } = await open();
    const clock = new VirtualClock();
    const subscriber = await connection.subscribe("a");
    expect(buffered(subscriber, { max: 1, clock }).clock).toBe(clock);
    expect((await fromIterable([], { topic: "a", clock }).open()).clock).toBe(clock);
  });

  it("is what batches go by", async () => {
    const { clock, connection } = await open();
    const subscriber = buffered(await connection.subscribe("a"), { max: 2, maxWaitMs: 50 });
    const batch = subscriber.batches()[Symbol.asyncIterator]().next();
    await connection.publisher().publish({ topic: "a", payload: "1" });
    await clock.advance(50);
    expect((await batch).value).toHaveLength(1);
  });
});

describe("an option that nobody reads is refused", () => {
  // biome-ignore lint/suspicious/noExplicitAny: as a JavaScript user writes them
  const given = (options: object): any => options;

  it.each([
    [
      "buffered(from, options)",
      () => buffered(fromIterable([], { topic: "a" }), given({ max: 1, maxWait: 1 })),
    ],
    ["fromIterable(items, options)", () => fromIterable([], given({ topic: "a", keepSettlement: 1 }))],
  ])("by %s", (call, make) => {
    expect(make).toThrow(UnknownOptionError);
    expect(make).toThrow(`${call} has no option`);
  });

  it("by batches(options)", async () => {
    const subscriber = buffered(await fromIterable([], { topic: "a" }).open(), { max: 1 });
    expect(() => subscriber.batches(given({ maxWait: 1 }))).toThrow(
      'batches(options) has no option "maxWait"',
    );
  });
});
