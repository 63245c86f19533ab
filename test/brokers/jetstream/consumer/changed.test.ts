import { afterEach, describe, expect, it, vi } from "vitest";
import { errorOf, events, Loop, openGroup, setUpJetStream, store, texts } from "../../nats/support.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A group that holds message 1, and whose consumer gets a deadline of 1 s by somebody else's hand. */
async function lowered() {
  const setUp = await setUpJetStream();
  const subscriber = await openGroup(setUp.connection);
  await store(setUp.connection, "1");
  const loop = new Loop(subscriber, setUp.clock);
  const [held] = await loop.take(1);
  if (held === undefined) throw new Error("nothing came");
  const consumer = setUp.stream.consumers.get("g");
  if (consumer === undefined) throw new Error("there is no consumer");
  consumer.config["ack_wait"] = 1e9;
  return { ...setUp, subscriber, loop, held, consumer };
}

describe("a consumer whose ack deadline somebody else lowers", () => {
  it("is noticed on a slow beat: what is held for longer is revoked, and it is told once", async () => {
    const { clock, subscriber, held } = await lowered();
    const seen = events("tidelane:error");
    // A handler at work keeps it by the deadline it knows.
    await clock.advance(20_000);
    await held.keepAlive();
    expect(subscriber.capabilities.ackDeadlineMs).toBe(30_000);
    await clock.advance(1_000);
    expect(subscriber.capabilities.ackDeadlineMs).toBe(1_000);
    expect(held.signal.aborted).toBe(true);
    expect((await errorOf(held.ack())).name).toBe("DeliveryRevokedError");
    await clock.advance(120_000);
    expect(seen.map(({ topic, error }) => [topic, (error as Error).message])).toEqual([
      [
        "s.a",
        'The consumer "g" of the stream "S" was changed by somebody else: its ack deadline was 30000 ms and is 1000 ms. What was held for longer is revoked and delivered again; keep handlers below it, or raise ack_wait.',
      ],
    ]);
  });

  it("is noticed without any call in half a minute", async () => {
    const { clock, held, subscriber } = await lowered();
    const seen = events("tidelane:error");
    await clock.advance(29_000);
    expect(held.signal.aborted).toBe(false);
    await clock.advance(1_000);
    expect(held.signal.aborted).toBe(true);
    expect(subscriber.capabilities.ackDeadlineMs).toBe(1_000);
    expect(seen).toHaveLength(1);
  });

  it("is noticed when a message comes again", async () => {
    const { clock, consumer, subscriber, loop } = await lowered();
    events("tidelane:error");
    await clock.advance(1_500);
    consumer.repeat(1, 1);
    await loop.peek();
    await clock.advance(1);
    expect(subscriber.capabilities.ackDeadlineMs).toBe(1_000);
  });

  it("is noticed when the connection comes back", async () => {
    const { clock, nats, subscriber } = await lowered();
    events("tidelane:error");
    nats.line.lose();
    await clock.flush();
    nats.line.restore();
    await clock.advance(500);
    expect(subscriber.capabilities.ackDeadlineMs).toBe(1_000);
  });

  it("is a warning where nobody listens", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const { clock } = await lowered();
    await clock.advance(90_000);
    expect(warn.mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringContaining("its ack deadline was 30000 ms and is 1000 ms"),
    ]);
  });

  it("gives those that come from then on the new deadline, longer or shorter", async () => {
    const { clock, consumer, connection, loop } = await lowered();
    events("tidelane:error");
    await clock.advance(30_000);
    consumer.config["ack_wait"] = 60e9;
    await clock.advance(31_000);
    await store(connection, "3");
    const came = await loop.take(2);
    expect(texts(came)).toContain("3");
    await clock.advance(59_000);
    expect(came.at(-1)?.signal.aborted).toBe(false);
  });

  it("asks no more once the subscription is closed", async () => {
    const { clock, jetStream, subscriber } = await lowered();
    await subscriber.close();
    jetStream.calls.length = 0;
    await clock.advance(120_000);
    expect(jetStream.calls).toEqual([]);
  });
});
