import { amqpQueue } from "tidelane/amqp";
import { expect, it } from "vitest";
import { describeLive } from "../describe-live.ts";
import { connect, fresh, open, take, takeOne, texts } from "./stage.ts";

const failed = { code: "TIDELANE_PUBLISH_FAILED" };

await describeLive("rabbitmq", "requests on RabbitMQ", (server) => {
  it("stay in order with the publishes of their publisher, two thousand of them", async () => {
    const connection = await connect(server);
    const queue = fresh("order");
    const service = await open(connection, queue, { maxInFlight: 3_000 });
    const publisher = connection.publisher();
    const stop = new AbortController();
    const expected: string[] = [];
    const calls = Array.from({ length: 2_000 }, (_, index) => {
      const payload = String(index);
      expected.push(payload);
      // Runs of one to three of a kind, the first of them a publish.
      if ((index * 7) % 11 < 5) return publisher.publish({ topic: queue, payload });
      return publisher.request({ topic: queue, payload }, { timeoutMs: 60_000, signal: stop.signal });
    });
    const outcomes = Promise.allSettled(calls);
    expect(texts(await take(service, expected.length))).toEqual(expected);
    stop.abort();
    const unforeseen = (await outcomes).filter(
      (outcome) => outcome.status === "rejected" && outcome.reason.code !== "TIDELANE_ABORTED",
    );
    expect(unforeseen).toEqual([]);
  });

  it("passed on with their headers over two hops, and by a dead letter that is replayed, are answered", async () => {
    const [asking, passing] = [await connect(server), await connect(server)];
    const [first, second, third, dead] = ["one", "two", "three", "dead"].map(fresh) as [
      string,
      string,
      string,
      string,
    ];
    const one = await open(passing, first);
    await (await open(passing, dead)).close();
    const two = await passing.subscribe(amqpQueue(second, { create: { deadLetter: { topic: dead } } }));
    const three = await open(passing, third);
    const publisher = passing.publisher();
    const headers = { "correlation-id": "mine", a: "1" };
    const asked = asking.publisher().request({ topic: first, payload: "q", headers }, { timeoutMs: 30_000 });
    const request = await takeOne(one);
    await publisher.publish({ topic: second, payload: "q", headers: request.headers });
    await (await takeOne(two)).nack({ requeue: false });
    const letter = await takeOne(await passing.subscribe(dead));
    await publisher.publish({ topic: third, payload: letter.payload, headers: letter.headers });
    const last = await takeOne(three);
    expect(last.headers.get("correlation-id")).toBe("mine");
    expect(last.properties.replyTo).toBe(request.properties.replyTo);
    expect(last.properties.correlationId).toBe(request.properties.correlationId);
    await publisher.publish({ topic: last.headers.get("reply-to") ?? "", payload: "r" });
    expect((await asked).text()).toBe("r");
  });
});

await describeLive("rabbitmq", "asking RabbitMQ for a topic", (server) => {
  it("tells a queue, an exchange and a reply address that are there from those that are not", async () => {
    const connection = await connect(server);
    const queue = fresh("there");
    const service = await open(connection, queue);
    const publisher = connection.publisher();
    await publisher.checkTopic(queue);
    await connection.publisher({ exchange: "amq.topic" }).checkTopic("any.thing");
    const asked = publisher.request({ topic: queue, payload: "q" }, { timeoutMs: 30_000 });
    const address = (await takeOne(service)).headers.get("reply-to") ?? "";
    await publisher.checkTopic(address);
    const nowhere = fresh("nowhere");
    const error = await publisher.publish({ topic: nowhere, payload: "a" }).catch((fault: Error) => fault);
    await expect(publisher.checkTopic(nowhere)).rejects.toMatchObject({
      ...failed,
      retryable: false,
      message: (error as Error).message,
    });
    await expect(connection.publisher({ exchange: nowhere }).checkTopic("a")).rejects.toMatchObject({
      ...failed,
      retryable: false,
      message: `The message for "a" was not confirmed: the exchange "${nowhere}" does not exist; name it in the topology of the broker, or create it first.`,
    });
    await publisher.publish({ topic: address, payload: "r" });
    expect((await asked).text()).toBe("r");
    const gone = await connect(server);
    const ending = gone
      .publisher()
      .request({ topic: queue, payload: "q" }, { timeoutMs: 30_000 })
      .catch((fault: unknown) => fault);
    const late = (await takeOne(service)).headers.get("reply-to") ?? "";
    await gone.close();
    expect(await ending).toMatchObject({ code: "TIDELANE_CONNECTION_CLOSED" });
    await expect(publisher.checkTopic(late)).rejects.toMatchObject(failed);
    expect(connection.state).toBe("open");
  });
});
