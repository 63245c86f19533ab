import { byKey, DeliveryRevokedError, retryAfter } from "tidelane";
import { expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

it("a delivery revoked before its turn is not handled, and its key goes on", async () => {
  const stage = new Stage();
  const [first, second] = stage.deliver("k:1 k:2 k:3");
  const gate = new Gate();
  const run = stage.pipeline.workers(2, byKey).handle((message) => {
    stage.log.push(message.text());
    return message === first ? gate.opened : undefined;
  });
  await stage.clock.flush();
  second?.revoke();
  gate.open();
  await stage.clock.flush();
  expect(stage.log).toEqual(["k:1", "k:3"]);
  expect(run.stats).toMatchObject({ handled: 2, revoked: 1, inFlight: 0, lanes: 0 });
  expect(second?.settlements).toEqual([]);
  expect(stage.errors).toEqual([]);
  await run.stop();
});

it("a handler is told of the revocation by its signal, and what it returns settles nothing", async () => {
  const stage = new Stage();
  const [message] = stage.deliver("k:1 k:2");
  const reasons: unknown[] = [];
  const run = stage.pipeline.workers(2, byKey).handle((given, { signal }) => {
    stage.log.push(given.text());
    if (given !== message) return undefined;
    return new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason);
        resolve();
      });
    });
  });
  await stage.clock.flush();
  message?.revoke("revoked");
  await stage.clock.flush();
  expect(reasons).toEqual([message?.revoked]);
  expect(reasons[0]).toBeInstanceOf(DeliveryRevokedError);
  expect(stage.log).toEqual(["k:1", "k:2"]);
  expect(message?.settlements).toEqual([]);
  expect(run.stats).toMatchObject({ revoked: 1, handled: 1, inFlight: 0 });
  await run.stop();
});

it("a delivery revoked while it waits for its retry leaves at once, and its key goes on", async () => {
  const stage = new Stage();
  const [message] = stage.deliver("k:1 k:2");
  const run = stage.pipeline.workers(1, byKey).handle((given) => {
    stage.note(given.text());
    return given === message ? retryAfter(60_000) : undefined;
  });
  await stage.clock.advance(1_000);
  message?.revoke();
  expect(run.stats).toMatchObject({ revoked: 1, waiting: 0 });
  await stage.clock.flush();
  expect(stage.log).toEqual(["k:1 @0", "k:2 @1000"]);
  expect(stage.clock.timers).toBe(0);
  await run.stop();
});

it("a revocation noticed inside the subscriber's own pull leaves no worker idle", async () => {
  const stage = new Stage();
  const [message] = stage.deliver("k:1 k:2");
  // Not every subscriber has the fast path; this one notices the revocation while it is asked to wait.
  const original = stage.subscriber[Symbol.asyncIterator].bind(stage.subscriber);
  stage.subscriber[Symbol.asyncIterator] = () => {
    const iterator = original();
    const next = iterator.next.bind(iterator);
    iterator.next = () => {
      if (run.stats.retries === 1) message?.revoke();
      return next();
    };
    return iterator;
  };
  const run = stage.pipeline.workers(1, byKey).handle((given) => {
    stage.log.push(given.text());
    return given === message ? retryAfter(60_000) : undefined;
  });
  await stage.clock.flush();
  expect(stage.log).toEqual(["k:1", "k:2"]);
  await run.stop();
});

it("a handler that fails because its delivery was revoked is not retried", async () => {
  const stage = new Stage();
  const [message] = stage.deliver("k:1");
  const run = stage.pipeline.handle((_message, { signal }) => {
    stage.log.push("ran");
    message?.revoke();
    signal.throwIfAborted();
  });
  await stage.clock.advance(1_000);
  expect(stage.log).toEqual(["ran"]);
  expect(run.stats).toMatchObject({ revoked: 1, retries: 0, inFlight: 0 });
  await run.stop();
});
