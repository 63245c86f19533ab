import { describe, expect, it } from "vitest";
import { Delivery } from "../../src/runtime/delivery.ts";
import { compose, type Middleware } from "../../src/runtime/middleware.ts";
import { ack, drop, type MiddlewareOutcome, retry, toOutcome } from "../../src/runtime/outcome.ts";
import { RecordingMessage } from "../../src/testing/index.ts";

type Layer = Middleware<RecordingMessage, string>;

const delivery = new Delivery<RecordingMessage, string>(0, new RecordingMessage());
delivery.value = "value";
const context = delivery as Delivery<RecordingMessage, string> & { value: string };

/** As the dispatcher does it: awaited where it has to be, and read; a throw is a rejection. */
async function through(
  layers: readonly Layer[],
  handler: () => unknown = () => undefined,
): Promise<MiddlewareOutcome> {
  const { call, read } = compose<RecordingMessage, string>(layers, handler);
  return read(await call("value", context));
}

describe("compose", () => {
  it("is the handler itself without middleware", () => {
    const handler = (): undefined => undefined;
    expect(compose([], handler)).toEqual({ call: handler, read: toOutcome });
  });

  it("wraps from the first, the outermost, to the last", async () => {
    const log: string[] = [];
    const layer =
      (name: string): Layer =>
      async (_context, next) => {
        log.push(`${name} in`);
        const outcome = await next();
        log.push(`${name} out: ${outcome.kind}`);
        return outcome;
      };
    const outcome = await through([layer("a"), layer("b")], () => {
      log.push("handler");
      return drop();
    });
    expect(log).toEqual(["a in", "b in", "handler", "b out: drop", "a out: drop"]);
    expect(outcome).toBe(drop());
  });

  it("shows a middleware the value and the facts of the delivery", async () => {
    let seen: unknown[] = [];
    await through([
      (given, next) => {
        seen = [given.value, given.message, given.attempt, given.topic];
        return next();
      },
    ]);
    expect(seen).toEqual(["value", delivery.message, 1, "test"]);
  });

  it("gives the handler the value and the context", async () => {
    const seen: unknown[] = [];
    const handler = (...given: unknown[]): void => void seen.push(...given);
    compose<RecordingMessage, string>([(_context, next) => next()], handler).call("value", context);
    expect(seen).toEqual(["value", context]);
  });

  it("reads a handler that returns nothing as ack before a middleware sees it", async () => {
    const kinds: string[] = [];
    const watch: Layer = async (_context, next) => {
      const outcome = await next();
      kinds.push(outcome.kind);
      return outcome;
    };
    await through([watch], async () => undefined);
    expect(kinds).toEqual(["ack"]);
  });

  it("lets a middleware answer in the handler's place, and change its answer", async () => {
    const runs: string[] = [];
    expect(await through([() => retry()], () => void runs.push("ran"))).toBe(retry());
    expect(runs).toEqual([]);
    const relent: Layer = async (_context, next) => ((await next()).kind === "drop" ? ack() : retry());
    expect(await through([relent], () => drop())).toBe(ack());
  });

  describe("when the handler fails", () => {
    const thrown = new Error("x");
    const fail = (): never => {
      throw thrown;
    };
    const handlers: Record<string, () => unknown> = {
      throws: fail,
      rejects: async () => fail(),
      "returns no outcome": () => "ack",
      "resolves with no outcome": async () => "ack",
    };
    const failure = { kind: "failure", error: expect.any(Error) };

    it.each(Object.entries(handlers))("one that %s is an outcome of every middleware", async (_, handler) => {
      const seen: unknown[] = [];
      const watch: Layer = async (_context, next) => {
        const outcome = await next();
        seen.push(outcome);
        return outcome;
      };
      const passOn: Layer = (_context, next) => next();
      const outcome = await through([watch, passOn, watch, passOn], handler);
      expect(seen).toEqual([failure, failure]);
      expect(outcome).toEqual(failure);
    });

    it("shows what was thrown, as it is", async () => {
      const outcome = await through([(_context, next) => next()], fail);
      expect(outcome).toEqual({ kind: "failure", error: thrown });
      expect((outcome as { error: unknown }).error).toBe(thrown);
    });

    it("a middleware may answer otherwise", async () => {
      const forgive: Layer = async (_context, next) => {
        const outcome = await next();
        return outcome.kind === "failure" ? drop() : outcome;
      };
      expect(await through([forgive], fail)).toBe(drop());
      expect(await through([forgive], async () => fail())).toBe(drop());
    });

    it("a middleware that throws is a failure for the ones around it", async () => {
      const kinds: string[] = [];
      const watch: Layer = async (_context, next) => {
        const outcome = await next();
        kinds.push(outcome.kind);
        return outcome;
      };
      await through([watch, fail]);
      await through([watch, async () => fail()]);
      expect(kinds).toEqual(["failure", "failure"]);
    });

    it("what the outermost middleware throws comes out", async () => {
      await expect(through([fail])).rejects.toBe(thrown);
      await expect(through([async () => fail()])).rejects.toBe(thrown);
    });
  });

  it("answers at once where every layer passes on what a synchronous handler gave", () => {
    const passOn: Layer = (_context, next) => next();
    const { call } = compose<RecordingMessage, string>([passOn, passOn, passOn], () => drop());
    expect(call("value", context)).toBe(drop());
  });

  it("refuses a second next(), and does not run the handler again", async () => {
    const runs: string[] = [];
    const twice: Layer = async (_context, next) => {
      await next();
      return next();
    };
    const run = through([twice], () => void runs.push("ran"));
    await expect(run).rejects.toThrow("called next() twice");
    expect(runs).toEqual(["ran"]);
  });

  it("does not take nothing for ack: a forgotten return would settle what is to be retried", async () => {
    const forgetful = (async (_context: unknown, next: () => Promise<unknown>) => {
      await next();
    }) as unknown as Layer;
    const silent = (() => undefined) as unknown as Layer;
    for (const layer of [forgetful, silent]) {
      await expect(through([layer], () => retry())).rejects.toThrow("A middleware returned nothing");
    }
  });

  it("tells a middleware that the one inside it returned no outcome", async () => {
    const wrong = (() => "ack") as unknown as Layer;
    const outer: Layer = (_context, next) => next();
    await expect(through([wrong])).rejects.toThrow('A middleware returned "ack"');
    expect(await through([outer, wrong])).toMatchObject({ kind: "failure", error: expect.any(TypeError) });
  });
});
