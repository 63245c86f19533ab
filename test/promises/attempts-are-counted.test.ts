import { deadLetter, headerNames, MemoryBroker, MessageHeaders, pipeline, retry, retryAfter } from "tidelane";
import { describe, expect, it } from "vitest";
import { RecordingPublisher, Stage } from "./stage.ts";

describe("attempts", () => {
  it("go on from the count of the broker, and grow with each retry in place", async () => {
    const stage = new Stage();
    stage.subscriber.deliver(stage.message("a", { deliveryCount: 3 })).end();
    const run = stage.pipeline.handle((_message, { attempt }) => {
      stage.log.push(String(attempt));
      return attempt < 5 ? retry() : undefined;
    });
    await stage.clock.advance(1_000);
    await run.done;
    expect(stage.log).toEqual(["3", "4", "5"]);
  });

  it("wait by the backoff of the runs here, whatever the broker counted", async () => {
    const stage = new Stage();
    stage.subscriber.deliver(stage.message("a", { deliveryCount: 9 }));
    const run = stage.pipeline.onFailure({ backoff: { initialMs: 10, factor: 3, maxMs: 50 } }).handle(() => {
      stage.note("ran");
      throw new Error("again");
    });
    await stage.clock.advance(140);
    expect(stage.log).toEqual(["ran @0", "ran @10", "ran @40", "ran @90", "ran @140"]);
    await run.stop();
  });

  it("wait exactly as long as the handler asked for", async () => {
    const stage = new Stage();
    stage.deliver("a");
    const run = stage.pipeline.handle((_message, { attempt }) => {
      stage.note("ran");
      return attempt === 1 ? retryAfter(777) : attempt === 2 ? retryAfter(0) : undefined;
    });
    await stage.clock.advance(2_000);
    expect(stage.log).toEqual(["ran @0", "ran @777", "ran @777"]);
    await run.stop();
  });
});

describe("after the last attempt", () => {
  it.each(["throws", "asks for a retry"])("of a handler that %s, it is a dead letter", async (how) => {
    const stage = new Stage();
    const publisher = new RecordingPublisher();
    const message = stage.message("a", { deliveryCount: 2 });
    stage.subscriber.deliver(message).end();
    const run = stage.pipeline
      .onFailure({ maxAttempts: 4, deadLetter: { topic: "dead", publisher } })
      .handle(() => {
        stage.note("ran");
        if (how === "throws") throw new RangeError("far");
        return retryAfter(5);
      });
    await stage.clock.advance(1_000);
    const report = await run.done;
    expect(stage.log).toHaveLength(3);
    expect(report).toMatchObject({ deadLettered: 1, handled: 0, retries: 2 });
    expect(report.failures).toBe(how === "throws" ? 3 : 0);
    const headers = Object.fromEntries(publisher.published[0]?.headers as Iterable<[string, string]>);
    expect(headers).toMatchObject({ "x-tidelane-dead-letter-attempts": "4" });
    expect(headers["x-tidelane-dead-letter-reason"]).toMatch(/^given up after 4 attempts; the handler /);
    expect(headers["x-tidelane-dead-letter-error"]).toBe(how === "throws" ? "RangeError: far" : undefined);
    expect(message.settlements).toMatchObject([{ settle: "ack" }]);
  });

  it("it is left to a broker that sets dropped messages aside", async () => {
    const stage = new Stage({ deadLetter: true });
    const [spent, refused] = stage.deliver("spent refused");
    stage.subscriber.end();
    const run = stage.pipeline.onFailure({ maxAttempts: 1, deadLetter: "broker" }).handle((message) => {
      if (message === refused) return deadLetter("no such order");
      throw new Error("x");
    });
    expect(await run.done).toMatchObject({ deadLettered: 2, dropped: 0 });
    for (const message of [spent, refused]) {
      expect(message?.settlements).toMatchObject([{ settle: "nack", requeue: false }]);
    }
  });

  it("it is dropped where the policy says so", async () => {
    const stage = new Stage();
    const [message] = stage.deliver("a");
    stage.subscriber.end();
    const run = stage.pipeline.onFailure({ maxAttempts: 2, deadLetter: "drop" }).handle(() => retryAfter(0));
    await stage.clock.flush();
    await stage.clock.advance(0);
    expect(await run.done).toMatchObject({ dropped: 1, deadLettered: 0, retries: 1 });
    expect(message?.settlements).toMatchObject([{ settle: "nack", requeue: false }]);
  });

  it("of a delivery the broker has handed out too often, there is still one run", async () => {
    const stage = new Stage();
    stage.subscriber.deliver(stage.message("a", { deliveryCount: 50 })).end();
    const run = stage.pipeline
      .onFailure({ maxAttempts: 3, deadLetter: "drop" })
      .handle((_message, { attempt }) => {
        stage.log.push(String(attempt));
        throw new Error("x");
      });
    expect(await run.done).toMatchObject({ dropped: 1 });
    expect(stage.log).toEqual(["50"]);
  });

  it("survive a dead letter, another process and a replay", async () => {
    const stage = new Stage();
    const publisher = new RecordingPublisher();
    stage.subscriber.deliver(stage.message("a", { deliveryCount: 2 })).end();
    const first = stage.pipeline
      .onFailure({ maxAttempts: 3, deadLetter: { topic: "dead", publisher } })
      .handle(() => retry());
    await stage.clock.advance(1_000);
    await first.done;
    const [dead] = publisher.published;
    expect(MessageHeaders.from(dead?.headers).get(headerNames.retryCount)).toBe("3");
    // Replayed as it is, it is delivered for the first time, and handled for the fourth.
    const replay = new Stage();
    replay.subscriber.deliver(replay.message("a", { deliveryCount: 1, headers: dead?.headers ?? {} })).end();
    await replay.pipeline
      .onFailure({ deadLetter: { topic: "dead", publisher } })
      .handle((_message, { attempt }) => deadLetter(`attempt ${attempt}`)).done;
    const headers = MessageHeaders.from(publisher.published[1]?.headers);
    expect(headers.getAll(headerNames.retryCount)).toEqual(["4"]);
    expect(headers.get(headerNames.deadLetterReason)).toBe("attempt 4");
    expect(headers.getAll(headerNames.deadLetterAttempts)).toEqual(["4"]);
  });

  it("belong to a topic: a dead letter has all its attempts where it is handled next", async () => {
    const stage = new Stage();
    const connection = await new MemoryBroker({ clock: stage.clock }).connect();
    const publisher = connection.publisher();
    const [orders, dead] = [await connection.subscribe("orders"), await connection.subscribe("dead")];
    const seen: string[] = [];
    const fail =
      (at: string) =>
      (_: unknown, { attempt }: { readonly attempt: number }) => {
        seen.push(`${at} ${attempt}`);
        throw new Error("down for a moment");
      };
    pipeline(orders)
      .onFailure({ maxAttempts: 3, deadLetter: { topic: "dead", publisher } })
      .handle(fail("orders"));
    const last = pipeline(dead).onFailure({ maxAttempts: 3, deadLetter: "drop" }).handle(fail("dead"));
    await publisher.publish({ topic: "orders", payload: "1" });
    await stage.clock.advance(10_000);
    expect(seen).toEqual(["orders 1", "orders 2", "orders 3", "dead 1", "dead 2", "dead 3"]);
    expect(last.stats).toMatchObject({ dropped: 1 });
    await connection.close();
  });
});
