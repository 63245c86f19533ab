import { describe, expect, it } from "vitest";
import { Delivery } from "../../src/runtime/delivery.ts";
import { compose, type Middleware } from "../../src/runtime/middleware.ts";
import { ack, drop, type Outcome, retry } from "../../src/runtime/outcome.ts";
import { RecordingMessage } from "../../src/testing/index.ts";

type Layer = Middleware<RecordingMessage, string>;

const delivery = new Delivery<RecordingMessage, string>(0, new RecordingMessage());
delivery.value = "value";
const context = delivery as Delivery<RecordingMessage, string> & { value: string };

/** Awaited, as the dispatcher does with what is no outcome yet; a throw is a rejection there too. */
async function through(layers: readonly Layer[], handler: () => unknown = () => undefined): Promise<Outcome> {
  return compose<RecordingMessage, string>(layers, handler)("value", context) as Promise<Outcome>;
}

describe("compose", () => {
  it("is the handler itself without middleware", () => {
    const handler = (): undefined => undefined;
    expect(compose([], handler)).toBe(handler);
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
    await compose<RecordingMessage, string>([(_context, next) => next()], handler)("value", context);
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

  it("lets a middleware catch what the handler throws", async () => {
    const forgive: Layer = (_context, next) => next().catch(() => drop());
    const outcome = await through([forgive], () => {
      throw new Error("x");
    });
    expect(outcome).toBe(drop());
  });

  it("passes on what the handler and a middleware throw", async () => {
    const thrown = new Error("x");
    const rethrow = () => {
      throw thrown;
    };
    await expect(through([(_context, next) => next()], rethrow)).rejects.toBe(thrown);
    await expect(through([rethrow])).rejects.toBe(thrown);
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
    const forgetful = (async (_context: unknown, next: () => Promise<Outcome>) => {
      await next();
    }) as unknown as Layer;
    await expect(through([forgetful], () => retry())).rejects.toThrow("A middleware returned nothing");
  });

  it("refuses an answer that is no outcome before the next middleware sees it", async () => {
    const wrong = (() => "ack") as unknown as Layer;
    const outer: Layer = (_context, next) => next();
    await expect(through([outer, wrong])).rejects.toThrow("an outcome");
  });
});
