import { describe, expect, it } from "vitest";
import { serverError } from "../fake/fake-channel.ts";
import { open, setUp, stateOf, take } from "../support.ts";

const failed = { code: "TIDELANE_PUBLISH_FAILED" };

/** What a call rejects with. */
function fault(calling: Promise<unknown>): Promise<Error> {
  return calling.then(
    () => new Error("it resolved"),
    (error: Error) => error,
  );
}

describe("checkTopic", () => {
  it("resolves where the queue is, and leaves no channel", async () => {
    const { clock, connection, rabbit, publisher } = await setUp();
    await open(connection, "orders");
    const before = rabbit.channels.filter((channel) => channel.open).length;
    await publisher.checkTopic("orders");
    await clock.flush();
    expect(rabbit.channels.filter((channel) => channel.open)).toHaveLength(before);
    expect(clock.timers).toBe(0);
  });

  it("rejects with the error a publish rejects with: no queue", async () => {
    const { connection, publisher } = await setUp();
    await open(connection, "orders");
    await publisher.publish({ topic: "orders", payload: "a" });
    const expected = await fault(publisher.publish({ topic: "dead", payload: "a" }));
    const found = await fault(publisher.checkTopic("dead"));
    expect(found).toMatchObject({ ...failed, retryable: false, topic: "dead", message: expected.message });
    expect(found.message).toContain('there is no queue "dead"; create it first');
    await publisher.publish({ topic: "orders", payload: "b" });
    const careless = connection.publisher({ mandatory: false });
    await expect(careless.checkTopic("dead")).rejects.toMatchObject({ ...failed, retryable: false });
  });

  it("of a publisher with an exchange asks for the exchange", async () => {
    const { connection } = await setUp({ topology: { exchanges: [{ name: "events", type: "topic" }] } });
    await connection.publisher({ exchange: "events" }).checkTopic("order.placed");
    const wrong = connection.publisher({ exchange: "nope" });
    const expected = await fault(wrong.publish({ topic: "order.placed", payload: "a" }));
    const found = await fault(wrong.checkTopic("order.placed"));
    expect(found).toMatchObject({ ...failed, retryable: false, message: expected.message });
  });

  it("of a reply address asks whether its channel is there", async () => {
    const { clock, connection } = await setUp({
      topology: { exchanges: [{ name: "events", type: "topic" }] },
    });
    const service = await open(connection, "service");
    void connection
      .publisher()
      .request({ topic: "service", payload: "q" }, { timeoutMs: 60_000 })
      .catch(() => {});
    const [request] = await take(service, clock);
    const publisher = connection.publisher({ exchange: "events" });
    await publisher.checkTopic(request?.headers.get("reply-to") ?? "");
    await expect(publisher.checkTopic("amq.rabbitmq.reply-to.gone#1")).rejects.toMatchObject(failed);
  });

  it("of a queue somebody has alone resolves: one may publish to it", async () => {
    const { rabbit, publisher } = await setUp();
    rabbit.queueFor = () => {
      throw serverError(405, "RESOURCE_LOCKED", "cannot obtain exclusive access to locked queue 'orders'");
    };
    await publisher.checkTopic("orders");
  });

  it("of a queue whose node is down says that it may come back", async () => {
    const { rabbit, publisher } = await setUp();
    rabbit.queueFor = () => {
      const text = "home node 'rabbit@b' of durable queue 'dead' in vhost '/' is down or inaccessible";
      throw serverError(404, "NOT_FOUND", text);
    };
    const found = await fault(publisher.checkTopic("dead"));
    expect(found).toMatchObject({ ...failed, retryable: true });
    expect(found.message).toContain("is down or inaccessible");
  });

  it("refuses what is no topic, and asks nobody", async () => {
    const { rabbit, publisher } = await setUp();
    for (const topic of ["", "order.*", "x".repeat(256)]) {
      await expect(publisher.checkTopic(topic)).rejects.toMatchObject({ code: "TIDELANE_INVALID_MESSAGE" });
    }
    expect(rabbit.channels).toEqual([]);
  });

  it("ends by its signal, by time, by a lost connection, and by close()", async () => {
    const { clock, connection, rabbit, publisher } = await setUp({ publishTimeoutMs: 1_000 });
    rabbit.silent = true;
    const abort = new AbortController();
    const aborted = fault(publisher.checkTopic("orders", { signal: abort.signal }));
    const expired = fault(publisher.checkTopic("orders"));
    await clock.flush();
    abort.abort();
    expect(await aborted).toMatchObject({ code: "TIDELANE_ABORTED" });
    expect(await stateOf(expired)).toBe("waiting");
    await clock.advance(1_000);
    expect(await expired).toMatchObject({
      code: "TIDELANE_TIMEOUT",
      message: 'checkTopic() of "orders" did not finish within 1000 ms.',
    });
    const lost = fault(publisher.checkTopic("orders"));
    await clock.flush();
    rabbit.connection.cut();
    expect(await lost).toMatchObject({ ...failed, retryable: true });
    const waiting = fault(publisher.checkTopic("orders"));
    await connection.close();
    expect(await waiting).toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    await expect(publisher.checkTopic("orders")).rejects.toMatchObject({
      code: "TIDELANE_CONNECTION_CLOSED",
    });
    expect(clock.timers).toBe(0);
  });
});
