import { ack, drop, json, type Middleware } from "tidelane";
import { describe, expect, it } from "vitest";
import { RecordingPublisher, Stage } from "./stage.ts";

const thrown = new Error("out of stock");

function fail(): never {
  throw thrown;
}

const handlers = [
  ["throws", fail],
  ["rejects", async () => fail()],
] as const;

describe.each(handlers)("A handler that %s", (_, handler) => {
  it("is an outcome of its middleware, which may leave it to the failure policy", async () => {
    const stage = new Stage();
    const publisher = new RecordingPublisher();
    stage.deliver("1");
    stage.subscriber.end();
    const run = stage.pipeline
      .use(async ({ attempt }, next) => {
        const outcome = await next();
        stage.note(`${attempt} ${outcome.kind}`);
        return outcome;
      })
      .use((_context, next) => next())
      .onFailure({ maxAttempts: 2, deadLetter: { topic: "dead", publisher } })
      .handle(handler);
    await stage.clock.advance(100);
    expect(await run.done).toMatchObject({ deadLettered: 1, failures: 2, retries: 1 });
    expect(stage.log).toEqual(["1 failure @0", "2 failure @100"]);
    expect(stage.errors).toEqual([thrown, thrown]);
    expect(publisher.published).toHaveLength(1);
  });

  it("may be replaced by another outcome: it is no failure then, and nobody is told of one", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("1");
    stage.subscriber.end();
    const forgive: Middleware = async (_context, next) => {
      const outcome = await next();
      return outcome.kind === "failure" && outcome.error === thrown ? drop() : outcome;
    };
    const run = stage.pipeline.use(forgive).handle(handler);
    expect(await run.done).toMatchObject({ dropped: 1, failures: 0, retries: 0 });
    expect(stage.errors).toEqual([]);
    expect(message?.settled).toBe(true);
  });
});

describe("A middleware", () => {
  it("that throws fails the delivery, whatever the handler did", async () => {
    const stage = new Stage();
    stage.deliver("1");
    stage.subscriber.end();
    const run = stage.pipeline
      .use(async ({ attempt }, next) => {
        await next();
        if (attempt === 1) throw thrown;
        return ack();
      })
      .handle(() => drop());
    await stage.clock.advance(100);
    expect(await run.done).toMatchObject({ handled: 1, failures: 1, dropped: 0 });
    expect(stage.errors).toEqual([thrown]);
  });

  it("never sees a payload that does not decode: onError does", async () => {
    const stage = new Stage();
    stage.deliver('{ 1 "two"');
    stage.subscriber.end();
    const run = stage.pipeline
      .decode(json)
      .use(({ value }, next) => {
        stage.log.push(String(value));
        return next();
      })
      .handle(() => undefined);
    expect(await run.done).toMatchObject({ handled: 2, undecodable: 1 });
    expect(stage.log).toEqual(["1", "two"]);
    expect(stage.errors).toMatchObject([{ code: "TIDELANE_DECODE" }]);
  });
});

it("a handler that returns what only a middleware sees has made a mistake", async () => {
  const stage = new Stage();
  stage.deliver("1");
  stage.subscriber.end();
  const returnsFailure = (() => ({ kind: "failure", error: thrown })) as unknown as () => undefined;
  const run = stage.pipeline.onFailure({ maxAttempts: 1, deadLetter: "drop" }).handle(returnsFailure);
  expect(await run.done).toMatchObject({ dropped: 1, failures: 1 });
  expect(stage.errors).toMatchObject([{ name: "TypeError" }]);
});
