import { byKey, deadLetter, InvalidMessageError } from "tidelane";
import { describe, expect, it } from "vitest";
import { Gate, RecordingPublisher, Stage } from "./stage.ts";

function staged() {
  const stage = new Stage();
  const publisher = new RecordingPublisher();
  const deadLetters = { deadLetter: { topic: "dead", publisher } } as const;
  return { stage, publisher, deadLetters };
}

describe("a dead letter", () => {
  it("is published, with the bytes, headers and key of the original, and confirmed before that is acked", async () => {
    const { stage, publisher, deadLetters } = staged();
    const confirmed = new Gate();
    publisher.answerNext(confirmed.opened);
    const payload = new Uint8Array([0, 255]);
    const message = stage.message("", { payload, headers: { "x-trace": "t1" }, partitionKey: "k" });
    stage.subscriber.deliver(message).end();
    const run = stage.pipeline.onFailure(deadLetters).handle(() => deadLetter("no such order"));
    await stage.clock.flush();
    expect([publisher.calls, message.settled]).toEqual([1, false]);
    expect(run.stats).toMatchObject({ settling: 1, deadLettered: 0 });
    confirmed.open();
    expect(await run.done).toMatchObject({ deadLettered: 1, inFlight: 0 });
    expect(message.settlements).toMatchObject([{ settle: "ack" }]);
    const [published] = publisher.published;
    expect(published).toMatchObject({ topic: "dead", payload, key: "k" });
    expect(Object.fromEntries(published?.headers as Iterable<[string, string]>)).toEqual({
      "x-trace": "t1",
      "x-tidelane-dead-letter-reason": "no such order",
      "x-tidelane-dead-letter-source": "orders",
      "x-tidelane-dead-letter-attempts": "1",
      "x-ruststream-retry-count": "1",
      "x-tidelane-retry-topic": "orders",
    });
  });

  it("that cannot be published keeps the original unsettled, and is tried again without another run", async () => {
    const { stage, publisher, deadLetters } = staged();
    const broken = new Error("no connection");
    publisher.failNext(broken, broken, broken);
    const message = stage.message("k:1");
    stage.subscriber.deliver(message, stage.message("k:2"), stage.message("j:1"));
    const run = stage.pipeline
      .workers(2, byKey)
      .onFailure(deadLetters)
      .handle((given) => {
        stage.note(given.text());
        return given === message ? deadLetter("poison") : undefined;
      });
    await stage.clock.advance(699);
    expect(stage.log).toEqual(["k:1 @0", "j:1 @0"]);
    expect([publisher.calls, message.settled]).toEqual([3, false]);
    expect(stage.errors).toEqual([broken, broken, broken]);
    expect(run.stats).toMatchObject({ waiting: 2, running: 0, failures: 0, retries: 0 });
    await stage.clock.advance(1);
    expect(stage.log).toEqual(["k:1 @0", "j:1 @0", "k:2 @700"]);
    expect(message.settlements).toMatchObject([{ settle: "ack" }]);
    expect(run.stats).toMatchObject({ deadLettered: 1, handled: 2, inFlight: 0 });
    const headers = new Map(publisher.published[0]?.headers as Iterable<[string, string]>);
    expect(headers.get("x-tidelane-dead-letter-attempts")).toBe("1");
    await run.stop();
  });

  it("that its publisher can never carry ends the run with that error, said once, and its original goes back", async () => {
    const { stage, publisher, deadLetters } = staged();
    const refused = new InvalidMessageError({ topic: "dead", reason: "too large" });
    publisher.failNext(refused);
    const [poison, behind, other] = stage.deliver("k:1 k:2 j:1");
    const reasons: unknown[] = [];
    const run = stage.pipeline
      .workers(2, byKey)
      .onFailure(deadLetters)
      .handle((given, { signal }) => {
        stage.log.push(given.text());
        if (given === poison) return deadLetter("poison");
        return new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          }),
        );
      });
    await expect(run.done).rejects.toBe(refused);
    expect(stage.log).toEqual(["k:1", "j:1"]);
    expect([stage.errors, reasons]).toEqual([[refused], [refused]]);
    expect([publisher.calls, stage.subscriber.closed, stage.clock.timers]).toEqual([1, true, 0]);
    for (const message of [poison, behind, other]) {
      expect([message?.settlements, message?.revoked !== undefined]).toEqual([[], true]);
    }
  });

  it("that can never be carried ends a drain that waits for it, too; a stop is a stop", async () => {
    for (const how of ["drain", "stop"] as const) {
      const { stage, publisher, deadLetters } = staged();
      const refused = new InvalidMessageError({ topic: "dead", reason: "too large" });
      const answered = new Gate();
      publisher.answerNext(answered.opened.then(() => Promise.reject(refused)));
      const [message] = stage.deliver("1");
      const run = stage.pipeline.onFailure(deadLetters).handle(() => deadLetter("poison"));
      await stage.clock.flush();
      const ended = Promise.allSettled([run[how]()]);
      answered.open();
      const [result] = await ended;
      if (how === "drain") expect(result).toEqual({ status: "rejected", reason: refused });
      else expect(result).toMatchObject({ value: { endedBy: "stop", left: [{ state: "waiting" }] } });
      expect([stage.errors, message?.settlements, stage.clock.timers]).toEqual([[refused], [], 0]);
    }
  });

  it("whose original is revoked while it waits to be published again is not published any more", async () => {
    const { stage, publisher, deadLetters } = staged();
    publisher.failNext(new Error("no connection"));
    const [message] = stage.deliver("k:1 k:2");
    const run = stage.pipeline
      .workers(2, byKey)
      .onFailure(deadLetters)
      .handle((given) => (given === message ? deadLetter("poison") : undefined));
    await stage.clock.advance(50);
    message?.revoke();
    await stage.clock.advance(1_000);
    expect(publisher.calls).toBe(1);
    expect(run.stats).toMatchObject({ revoked: 1, handled: 1, inFlight: 0 });
    await run.stop();
  });

  it("whose original is revoked while it is published counts as revoked: it comes again", async () => {
    const { stage, publisher, deadLetters } = staged();
    const [message] = stage.deliver("1");
    const confirmed = new Gate();
    publisher.answerNext(confirmed.opened);
    const run = stage.pipeline.onFailure(deadLetters).handle(() => deadLetter("poison"));
    await stage.clock.flush();
    message?.revoke();
    confirmed.open();
    await stage.clock.flush();
    expect([publisher.published.length, message?.settlements]).toEqual([1, []]);
    expect(run.stats).toMatchObject({ revoked: 1, deadLettered: 0, inFlight: 0 });
    await run.stop();
  });

  it("that waits to be published again goes back when the run is stopped", async () => {
    const { stage, publisher, deadLetters } = staged();
    publisher.failNext(new Error("no connection"));
    const [message] = stage.deliver("k:1");
    const run = stage.pipeline.onFailure(deadLetters).handle(() => deadLetter("poison"));
    await stage.clock.flush();
    const report = await run.stop();
    expect(report.left).toMatchObject([{ state: "waiting", attempt: 1 }]);
    expect([publisher.calls, message?.settled, message?.revoked !== undefined]).toEqual([1, false, true]);
    expect(stage.clock.timers).toBe(0);
  });

  it("that fails to be published during a stop is not tried again: its original goes back", async () => {
    const { stage, publisher, deadLetters } = staged();
    const answered = new Gate();
    publisher.answerNext(answered.opened.then(() => Promise.reject(new Error("no connection"))));
    const [message] = stage.deliver("k:1");
    const run = stage.pipeline.onFailure(deadLetters).handle(() => deadLetter("poison"));
    await stage.clock.flush();
    // A subscriber that is slow to take its deliveries back, so that they are not revoked yet when the run ends.
    stage.subscriber.close = async () => undefined;
    const stopped = run.stop();
    answered.open();
    expect((await stopped).left).toMatchObject([{ key: undefined, state: "waiting" }]);
    expect(stage.clock.timers).toBe(0);
    await stage.clock.advance(60_000);
    expect([publisher.calls, message?.settlements]).toEqual([1, []]);
  });

  it("asked for without a place for it is a failure that says where to name one, and loses nothing", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("1");
    const untyped = (() => deadLetter("poison")) as unknown as () => undefined;
    const run = stage.pipeline.handle(untyped);
    await stage.clock.advance(150);
    expect(stage.errors).toMatchObject([
      { code: "TIDELANE_MISSING_DEAD_LETTER", topic: "orders" },
      { code: "TIDELANE_MISSING_DEAD_LETTER" },
    ]);
    expect(message?.settled).toBe(false);
    await run.stop();
  });
});
