import { MemoryBroker, type MemoryConnection, type Publisher, pipeline, type Subscriber } from "tidelane";
import { describe, expect, it } from "vitest";

const end = (): undefined => undefined;

function start(subscriber: Subscriber, topic: string, publisher: Publisher): () => unknown {
  const steps = pipeline(subscriber).onFailure({ maxAttempts: 3, deadLetter: { topic, publisher } });
  return () => steps.handle(end);
}

async function refused(connection: MemoryConnection, subscriber: Subscriber, topic: string): Promise<void> {
  expect(start(subscriber, topic, connection.publisher())).toThrow(
    expect.objectContaining({
      code: "TIDELANE_INVALID_ARGUMENT",
      message: `onFailure: deadLetter.topic must be a topic that the subscription of "${subscriber.topic}" does not deliver: it would get its own dead letters; received "${topic}".`,
    }),
  );
  await subscriber.close();
}

describe("a dead letter topic that the subscription delivers is refused before the run starts", () => {
  it("its own topic, over any connection to the broker", async () => {
    const broker = new MemoryBroker();
    const [one, other] = [await broker.connect(), await broker.connect()];
    await refused(one, await one.subscribe("orders"), "orders");
    await refused(other, await one.subscribe("orders", { group: "billing" }), "orders");
  });

  it("a topic that its pattern matches", async () => {
    const connection = await new MemoryBroker().connect();
    await refused(connection, await connection.subscribePattern("orders.>"), "orders.dead");
    await refused(connection, await connection.subscribePattern("*.dead"), "orders.dead");
  });

  it("and no other topic, nor the topic of that name on another broker, nor one of a publisher nobody knows", async () => {
    const [here, there] = [await new MemoryBroker().connect(), await new MemoryBroker().connect()];
    const mine = here.publisher();
    const unknown: Publisher = {
      capabilities: mine.capabilities,
      publish: (message) => mine.publish(message),
    };
    const runs = [
      start(await here.subscribe("orders"), "orders.dead", mine),
      start(await here.subscribePattern("orders.*"), "orders.eu.dead", mine),
      start(await here.subscribe("orders"), "orders", there.publisher()),
      start(await here.subscribe("orders"), "orders", unknown),
    ].map((each) => each() as ReturnType<ReturnType<typeof pipeline>["handle"]>);
    for (const run of runs) await run.drain();
  });
});
