import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Outlet, type OutletIterator } from "../../src/structures/outlet.ts";
import { deferred } from "../../src/traits/deferred.ts";
import { InvalidArgumentError, SubscriberBusyError } from "../../src/traits/errors.ts";
import { type Item, item, Play, Stock, step } from "./outlet-play.ts";

const items = (...ids: number[]): Item[] => ids.map(item);
const of = (id: number) => ({ done: false, value: item(id) });
const done = { done: true, value: undefined };

function open(...ids: number[]): { stock: Stock; outlet: Outlet<Item>; iterator: OutletIterator<Item> } {
  const stock = new Stock();
  stock.here.push(...items(...ids));
  const outlet = new Outlet("orders", stock);
  return { stock, outlet, iterator: outlet.iterate() };
}

/** Whether `promise` has settled by the next turn of the event loop. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

describe("an iterator", () => {
  it("hands out what is here, in order, and asks for nothing more", async () => {
    const { stock, iterator } = open(1, 2);
    expect([await iterator.next(), await iterator.next()]).toEqual([of(1), of(2)]);
    expect(stock.wantedCalls).toBe(0);
  });

  it("answers waiting calls in the order they were made", async () => {
    const { stock, outlet, iterator } = open();
    const order: number[] = [];
    const calls = [1, 2, 3].map(() =>
      iterator.next().then((result) => {
        order.push(result.value?.id ?? 0);
        return result;
      }),
    );
    expect(outlet.waiting).toBe(3);
    stock.here.push(...items(1, 2));
    outlet.serve();
    expect(outlet.waiting).toBe(1);
    stock.here.push(item(3));
    outlet.serve();
    expect(await Promise.all(calls)).toEqual([of(1), of(2), of(3)]);
    expect(order).toEqual([1, 2, 3]);
  });

  it("does not let a call overtake one that waits", async () => {
    const { stock, outlet, iterator } = open();
    const first = iterator.next();
    stock.here.push(...items(1, 2));
    const second = iterator.next();
    expect(stock.here).toEqual(items(1, 2));
    outlet.serve();
    expect(await Promise.all([first, second])).toEqual([of(1), of(2)]);
  });

  it("takes nothing that nobody asked for", () => {
    const { stock, outlet } = open(1, 2);
    outlet.serve();
    expect(stock.here).toEqual(items(1, 2));
  });

  it("says each time that somebody waits, and not once it is over", async () => {
    const { stock, outlet, iterator } = open();
    const calls = [iterator.next(), iterator.next()];
    expect(stock.wantedCalls).toBe(2);
    outlet.end();
    await Promise.all([...calls, outlet.iterate().next()]);
    expect(stock.wantedCalls).toBe(2);
  });

  it("may be the only one", async () => {
    const { outlet, iterator } = open(1);
    expect(() => outlet.iterate()).toThrow(SubscriberBusyError);
    expect(() => outlet.refuseSecond()).toThrow('"orders"');
    expect(await iterator.next()).toEqual(of(1));
  });

  it("makes room for another by its return()", async () => {
    const { outlet, iterator } = open(1, 2);
    await iterator.next();
    expect(outlet.active).toBe(true);
    expect(await iterator.return()).toEqual(done);
    expect(outlet.active).toBe(false);
    expect(await outlet.iterate().next()).toEqual(of(2));
  });

  it("makes room for another by its end, once that was told", async () => {
    const { outlet, iterator } = open();
    outlet.end();
    expect([outlet.over, outlet.active]).toEqual([true, true]);
    expect(await iterator.next()).toEqual(done);
    expect(outlet.active).toBe(false);
    expect(await outlet.iterate().next()).toEqual(done);
  });

  it("does nothing any more once it was returned, to the one after it neither", async () => {
    const { stock, outlet, iterator } = open(1);
    await iterator.return();
    const second = outlet.iterate();
    expect(await iterator.next()).toEqual(done);
    expect(iterator.takeReady(5)).toEqual([]);
    expect(await iterator.return()).toEqual(done);
    expect([stock.releasedCalls, outlet.active]).toEqual([1, true]);
    expect(await second.next()).toEqual(of(1));
  });
});

describe("return()", () => {
  it("ends every waiting next() at once, and loses nothing", async () => {
    const { stock, outlet, iterator } = open();
    const calls = [iterator.next(), iterator.next()];
    const returned = iterator.return();
    expect(outlet.waiting).toBe(0);
    expect(await Promise.all([...calls, returned])).toEqual([done, done, done]);
    stock.here.push(item(1));
    outlet.serve();
    expect(await outlet.iterate().next()).toEqual(of(1));
  });

  it("ends them before the supply has let go, and itself after", async () => {
    const gate = deferred<void>();
    const outlet = new Outlet<Item>("orders", { take: () => [], released: () => gate.promise });
    const iterator = outlet.iterate();
    const call = iterator.next();
    const returned = iterator.return();
    expect(await call).toEqual(done);
    expect(await settles(returned)).toBe(false);
    gate.resolve();
    expect(await returned).toEqual(done);
  });
});

describe("takeReady()", () => {
  it("gives up to so many that are here, in order, without asking for more", () => {
    const { stock, iterator } = open(1, 2, 3);
    expect(iterator.takeReady(0)).toEqual([]);
    expect(iterator.takeReady(2)).toEqual(items(1, 2));
    expect(iterator.takeReady(Number.POSITIVE_INFINITY)).toEqual(items(3));
    expect(iterator.takeReady(1)).toEqual([]);
    expect(stock.wantedCalls).toBe(0);
  });

  it("does not overtake a next() that waits", async () => {
    const { stock, outlet, iterator } = open();
    const call = iterator.next();
    stock.here.push(...items(1, 2));
    expect(iterator.takeReady(2)).toEqual([]);
    outlet.serve();
    expect(await call).toEqual(of(1));
    expect(iterator.takeReady(2)).toEqual(items(2));
  });

  it.each([-1, 0.5, Number.NaN, "1", undefined])("refuses %s", (max) => {
    const { stock, iterator } = open(1);
    expect(() => iterator.takeReady(max as number)).toThrow(InvalidArgumentError);
    expect(stock.here).toEqual(items(1));
  });
});

describe("the end", () => {
  it("comes after what is here", async () => {
    const { outlet, iterator } = open(1, 2);
    outlet.end();
    expect(await iterator.next()).toEqual(of(1));
    expect(iterator.takeReady(9)).toEqual(items(2));
    expect(await iterator.next()).toEqual(done);
    expect(await iterator.next()).toEqual(done);
  });

  it("comes to all who wait", async () => {
    const { outlet, iterator } = open();
    const calls = [iterator.next(), iterator.next()];
    outlet.end();
    expect(await Promise.all(calls)).toEqual([done, done]);
  });

  it("tells its error to one of those who wait, the first", async () => {
    const { outlet, iterator } = open();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    const error = new Error("gone");
    outlet.end({ error });
    expect(await Promise.allSettled(calls)).toEqual([
      { status: "rejected", reason: error },
      { status: "fulfilled", value: done },
      { status: "fulfilled", value: done },
    ]);
    expect(await outlet.iterate().next()).toEqual(done);
  });

  it("keeps its error for who asks next, behind what is here", async () => {
    const { outlet, iterator } = open(1);
    const error = new Error("gone");
    outlet.end({ error });
    expect(await iterator.next()).toEqual(of(1));
    await expect(iterator.next()).rejects.toBe(error);
    expect(await iterator.next()).toEqual(done);
  });

  it("keeps its error for the next iterator, if this one was returned without hearing of it", async () => {
    const { outlet, iterator } = open();
    const error = new Error("gone");
    outlet.end({ error });
    await iterator.return();
    await expect(outlet.iterate().next()).rejects.toBe(error);
    expect(await outlet.iterate().next()).toEqual(done);
  });

  it("tells even an error that is undefined", async () => {
    const { outlet, iterator } = open();
    outlet.end({ error: undefined });
    expect(await Promise.allSettled([iterator.next()])).toEqual([{ status: "rejected", reason: undefined }]);
  });

  it("counts the first time", async () => {
    const { outlet, iterator } = open();
    outlet.end();
    outlet.end({ error: new Error("too late") });
    expect(await iterator.next()).toEqual(done);
    expect(await outlet.iterate().next()).toEqual(done);
  });
});

describe("a supply that calls back", () => {
  it("may serve while it is told that somebody waits", async () => {
    let next = 0;
    const stock = new Stock();
    const outlet: Outlet<Item> = new Outlet("orders", {
      take: (max) => stock.take(max),
      wanted: () => {
        next += 1;
        stock.here.push(item(next));
        outlet.serve();
      },
    });
    const iterator = outlet.iterate();
    expect(await Promise.all([iterator.next(), iterator.next()])).toEqual([of(1), of(2)]);
    expect(outlet.waiting).toBe(0);
  });

  it("may serve while something is taken, and the order stays", async () => {
    const stock = new Stock();
    const outlet: Outlet<Item> = new Outlet("orders", {
      take: (max) => {
        const taken = stock.take(max);
        outlet.serve();
        return taken;
      },
    });
    const iterator = outlet.iterate();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    stock.here.push(...items(1, 2, 3, 4));
    outlet.serve();
    expect(await Promise.all(calls)).toEqual([of(1), of(2), of(3)]);
    expect(outlet.waiting).toBe(0);
    expect(await iterator.next()).toEqual(of(4));
  });

  it("may end while something is taken, which is handed out first", async () => {
    const stock = new Stock();
    const outlet: Outlet<Item> = new Outlet("orders", {
      take: (max) => {
        const taken = stock.take(max);
        if (taken.length > 0) outlet.end();
        return taken;
      },
    });
    const iterator = outlet.iterate();
    const calls = [iterator.next(), iterator.next(), iterator.next()];
    stock.here.push(...items(1, 2));
    outlet.serve();
    expect(await Promise.all(calls)).toEqual([of(1), of(2), done]);
  });
});

it("an outlet does what arrays would, whatever happens in whatever order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), (steps) => new Play().run(steps)),
    { numRuns: 300 },
  );
});
