import { describe, expect, it } from "vitest";
import { Batches } from "../../../src/brokers/shared/batches.ts";
import { Outlet } from "../../../src/structures/outlet.ts";
import { VirtualClock } from "../../../src/testing/index.ts";

interface Item {
  readonly id: number;
  revoked?: boolean;
}

function setUp(options: { max: number; maxWaitMs?: number }) {
  const clock = new VirtualClock();
  const here: Item[] = [];
  const outlet: Outlet<Item> = new Outlet("t", { take: (max) => here.splice(0, max) });
  const supply = {
    iterate: () => outlet.iterate(),
    giveBack: (items: readonly Item[]) => {
      here.unshift(...items);
    },
    isLive: ({ revoked }: Item) => revoked !== true,
  };
  const batches = new Batches(supply, clock, options);
  const come = (...ids: number[]): Item[] => {
    const items = ids.map((id) => ({ id }));
    here.push(...items);
    outlet.serve();
    return items;
  };
  return { clock, here, outlet, batches, come, iterator: batches[Symbol.asyncIterator]() };
}

const ids = ({ value }: IteratorResult<Item[], undefined>): number[] | undefined =>
  value?.map(({ id }) => id);

describe("a batch", () => {
  it("is full, or closes maxWaitMs after its first item", async () => {
    const { clock, iterator, come } = setUp({ max: 3, maxWaitMs: 10 });
    come(1, 2, 3, 4);
    expect(ids(await iterator.next())).toEqual([1, 2, 3]);
    const next = iterator.next();
    await clock.advance(9);
    come(5);
    await clock.advance(1);
    expect(ids(await next)).toEqual([4, 5]);
    expect(clock.timers).toBe(0);
  });

  it("does not wait with nothing in it, and is never empty", async () => {
    const { clock, iterator, come } = setUp({ max: 3, maxWaitMs: 10 });
    const next = iterator.next();
    await clock.advance(100);
    expect(clock.timers).toBe(0);
    come(1);
    await clock.advance(10);
    expect(ids(await next)).toEqual([1]);
  });

  it("with maxWaitMs 0 is what is here", async () => {
    const { clock, iterator, come } = setUp({ max: 3, maxWaitMs: 0 });
    const next = iterator.next();
    come(1, 2);
    expect(ids(await next)).toEqual([1, 2]);
    come(3, 4, 5, 6);
    expect(ids(await iterator.next())).toEqual([3, 4, 5]);
    expect(ids(await iterator.next())).toEqual([6]);
    expect(clock.timers).toBe(0);
  });

  it("leaves out what was revoked while it formed, and waits on where nothing is left", async () => {
    const { clock, iterator, come } = setUp({ max: 3, maxWaitMs: 10 });
    const next = iterator.next();
    const [item] = come(1);
    await clock.flush();
    if (item) item.revoked = true;
    await clock.advance(10);
    come(2);
    await clock.advance(10);
    expect(ids(await next)).toEqual([2]);
  });

  it("goes to the calls in the order they were made", async () => {
    const { clock, iterator, come } = setUp({ max: 2, maxWaitMs: 10 });
    const calls = [iterator.next(), iterator.next()];
    come(1, 2, 3);
    await clock.advance(10);
    expect((await Promise.all(calls)).map(ids)).toEqual([[1, 2], [3]]);
  });
});

describe("return()", () => {
  it("ends who waits, and gives back what was taken, in its place", async () => {
    const { clock, here, outlet, iterator, come } = setUp({ max: 5, maxWaitMs: 10 });
    const next = iterator.next();
    come(1, 2);
    await clock.flush();
    await iterator.return?.();
    expect((await next).done).toBe(true);
    expect((await iterator.next()).done).toBe(true);
    expect(here.map(({ id }) => id)).toEqual([1, 2]);
    expect(outlet.active).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it("loses nothing that came in the same moment", async () => {
    const { clock, here, iterator, come } = setUp({ max: 1, maxWaitMs: 10 });
    const calls = [iterator.next(), iterator.next()];
    await clock.flush();
    come(1);
    await iterator.return?.();
    come(2);
    const seen = (await Promise.all(calls)).flatMap((result) => ids(result) ?? []);
    await clock.flush();
    expect([...seen, ...here.map(({ id }) => id)]).toEqual([1, 2]);
  });
});

describe("the end", () => {
  it("hands out what was taken, and tells the error once after it", async () => {
    const { clock, outlet, iterator, come } = setUp({ max: 5, maxWaitMs: 10 });
    const next = iterator.next();
    come(1);
    await clock.flush();
    outlet.end({ error: new Error("over") });
    expect(ids(await next)).toEqual([1]);
    await expect(iterator.next()).rejects.toThrow("over");
    expect((await iterator.next()).done).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("without an error is done for everybody who waits", async () => {
    const { outlet, iterator } = setUp({ max: 5 });
    const calls = [iterator.next(), iterator.next()];
    outlet.end();
    expect((await Promise.all(calls)).map(({ done }) => done)).toEqual([true, true]);
  });
});

it("bad options are named", () => {
  expect(() => setUp({ max: 0 })).toThrow("options.max must be");
  expect(() => setUp({ max: 1, maxWaitMs: -1 })).toThrow("options.maxWaitMs must be");
});
