import { describe, expect, it } from "vitest";
import { checkPublisherOptions } from "../../../../src/brokers/redis/options.ts";
import { RedisPublisher } from "../../../../src/brokers/redis/publisher/publisher.ts";
import { SendQueue } from "../../../../src/brokers/redis/publisher/send-queue.ts";
import { FakeConnection } from "../fake-connection.ts";

function bench(options = {}) {
  const connection = new FakeConnection();
  const queue = new SendQueue(connection);
  const requests = () => {
    throw new Error("no requests here");
  };
  const publisher = new RedisPublisher({ connection, queue, requests }, checkPublisherOptions(options));
  return { connection, publisher };
}

function nameOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "resolved",
    (error: Error) => error.name,
  );
}

describe("publishing", () => {
  it("is sent at once, in the order of the calls, and resolves with the answer", async () => {
    const { connection, publisher } = bench();
    const first = publisher.add({ topic: "a", payload: "1" });
    const second = publisher.publish({ topic: "b", payload: "2" });
    expect(connection.calls.map(({ args }) => args[1])).toEqual(["a", "b"]);
    connection.calls[0]?.answer(Buffer.from("5-0"));
    connection.calls[1]?.answer(Buffer.from("6-0"));
    expect(await first).toBe("5-0");
    await second;
  });

  it("says how the stream is trimmed, and whether it may be made", () => {
    const args = (options: object) => {
      const { connection, publisher } = bench(options);
      void publisher.publish({ topic: "a", payload: "" });
      return connection.calls[0]?.args.slice(2, -2);
    };
    expect(args({})).toEqual(["*"]);
    expect(args({ create: false })).toEqual(["NOMKSTREAM", "*"]);
    expect(args({ trim: { maxLength: 5 } })).toEqual(["MAXLEN", "~", "5", "*"]);
    expect(args({ trim: { minId: () => "7-0", exact: true } })).toEqual(["MINID", "=", "7-0", "*"]);
  });

  it("what was on its way when the connection was lost is rejected and not sent again; what came after waits", async () => {
    const { connection, publisher } = bench();
    const first = nameOf(publisher.publish({ topic: "a", payload: "1" }));
    connection.lose();
    const second = nameOf(publisher.publish({ topic: "a", payload: "2" }));
    const third = nameOf(publisher.publish({ topic: "a", payload: "3" }));
    expect(await first).toBe("PublishFailedError");
    connection.restore();
    expect(connection.calls.map(({ args }) => String(args.at(-1)))).toEqual(["2", "3"]);
    for (const call of connection.calls) call.answer("1-0");
    expect([await second, await third]).toEqual(["resolved", "resolved"]);
  });

  it("ends by its time and by its signal, and is not sent then", async () => {
    const { connection, publisher } = bench();
    connection.lose();
    const late = nameOf(publisher.publish({ topic: "a", payload: "1" }));
    const controller = new AbortController();
    const aborted = nameOf(publisher.publish({ topic: "a", payload: "2" }, { signal: controller.signal }));
    controller.abort();
    expect(await aborted).toBe("AbortedError");
    await connection.clock.advance(1_000);
    expect(await late).toBe("TimeoutError");
    connection.restore();
    expect(connection.calls).toEqual([]);
  });

  it("a close waits for what was sent, and rejects what was not", async () => {
    const { connection, publisher } = bench();
    const sent = nameOf(publisher.publish({ topic: "a", payload: "1" }));
    const ending = connection.end();
    expect(await nameOf(publisher.publish({ topic: "a", payload: "2" }))).toBe("ConnectionClosedError");
    connection.calls[0]?.answer("1-0");
    await ending;
    expect(await sent).toBe("resolved");
    const { connection: other, publisher: waiting } = bench();
    other.lose();
    const unsent = nameOf(waiting.publish({ topic: "a", payload: "1" }));
    await other.end();
    expect(await unsent).toBe("ConnectionClosedError");
  });

  it("a stream that must be there and is not is a refusal for good", async () => {
    const { connection, publisher } = bench({ create: false });
    const publishing = publisher.publish({ topic: "a", payload: "" });
    connection.calls[0]?.answer(null);
    await expect(publishing).rejects.toMatchObject({ name: "PublishFailedError", retryable: false });
  });
});
