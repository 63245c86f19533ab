import { byKey, retry, SettleUnsupportedError } from "tidelane";
import { expect, it } from "vitest";
import { Gate, Stage } from "./stage.ts";

it.each(["ack", "nack", "nackAfter"] as const)(
  "%s by the handler itself is the only settle",
  async (settle) => {
    const stage = new Stage();
    const [message] = stage.deliver("k:1 k:2");
    stage.subscriber.end();
    const run = stage.pipeline.workers(2, byKey).handle(async (given) => {
      stage.log.push(given.text());
      if (given === message) await (settle === "nackAfter" ? given.nackAfter(5) : given[settle]());
    });
    expect(await run.done).toMatchObject({ handled: 2, inFlight: 0 });
    expect(message?.settlements).toHaveLength(1);
    expect(message?.settlements[0]?.settle).toBe(settle);
    expect(stage.log).toEqual(["k:1", "k:2"]);
  },
);

it("what the handler returns or throws after its own settle changes nothing", async () => {
  const stage = new Stage();
  const messages = stage.deliver("1 2");
  stage.subscriber.end();
  const run = stage.pipeline.handle(async (message) => {
    await message.ack();
    if (message === messages[0]) return retry();
    throw new Error("too late");
  });
  expect(await run.done).toMatchObject({ handled: 2, retries: 0, failures: 1 });
  for (const message of messages) expect(message.settlements).toMatchObject([{ settle: "ack" }]);
  expect(stage.errors.map(String)).toEqual(["Error: too late"]);
});

it("a settle of the handler's own that the transport cannot do leaves the message to the runtime", async () => {
  const stage = new Stage();
  const [message] = stage.deliver("1");
  message?.rejectNextSettle(new SettleUnsupportedError({ topic: "orders", settle: "nack", reason: "no" }));
  const run = stage.pipeline.handle(async (given, { attempt }) => {
    if (attempt === 1) await given.nack();
  });
  await stage.clock.advance(100);
  expect(message?.settlements.map(({ settle, error }) => [settle, error === undefined])).toEqual([
    ["nack", false],
    ["ack", true],
  ]);
  await run.stop();
});

it.each(["at once", "later"])(
  "a settle that fails %s counts as revoked, is reported, and frees its key",
  async (when) => {
    const stage = new Stage();
    const broken = new Error("connection reset");
    const message = stage.message("k:1", {
      onSettle: () => {
        if (when === "at once") throw broken;
        return Promise.reject(broken);
      },
    });
    stage.subscriber.deliver(message, stage.message("k:2")).end();
    const run = stage.pipeline.workers(2, byKey).handle((given) => void stage.log.push(given.text()));
    expect(await run.done).toMatchObject({ revoked: 1, handled: 1, inFlight: 0, lanes: 0 });
    expect(stage.log).toEqual(["k:1", "k:2"]);
    expect(stage.errors).toEqual([broken]);
  },
);

it("a key waits for the answer to its settle", async () => {
  const stage = new Stage();
  const answered = new Gate();
  const onSettle = () => answered.opened;
  stage.subscriber.deliver(stage.message("k:1", { onSettle }), stage.message("k:2"), stage.message("j:1"));
  const run = stage.pipeline.workers(1, byKey).handle((message) => void stage.log.push(message.text()));
  await stage.clock.flush();
  expect(stage.log).toEqual(["k:1", "j:1"]);
  expect(run.stats).toMatchObject({ settling: 1, running: 0, waiting: 1 });
  answered.open();
  await stage.clock.flush();
  expect(stage.log).toEqual(["k:1", "j:1", "k:2"]);
  await run.stop();
});

it("a settle that was refused with nothing sent is tried again, without another run", async () => {
  const stage = new Stage();
  const [message] = stage.deliver("1");
  message?.rejectNextSettle(
    new SettleUnsupportedError({ topic: "orders", settle: "ack", reason: "not now" }),
  );
  const run = stage.pipeline.handle(() => stage.note("ran"));
  await stage.clock.advance(100);
  expect(stage.log).toEqual(["ran @0"]);
  expect(message?.settlements.map(({ at }) => at)).toEqual([0, 100]);
  expect(run.stats).toMatchObject({ handled: 1, inFlight: 0 });
  await run.stop();
});
