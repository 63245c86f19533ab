import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClientMessage } from "../../../../src/brokers/amqp/client.ts";
import { UnackedDeliveries } from "../../../../src/brokers/amqp/consumer/unacked-deliveries.ts";
import { AmqpMessage } from "../../../../src/brokers/amqp/message/message.ts";
import { VirtualClock } from "../../../../src/testing/index.ts";
import { FakeChannel } from "../fake/fake-channel.ts";
import { FakeQueue } from "../fake/fake-queue.ts";
import { FakeConnection, FakeRabbit } from "../fake/fake-rabbit.ts";

const place = { counts: true, delay: () => undefined };

/** A channel of the fake, the deliveries the test makes on it, and what is settled of them. */
function stage() {
  const clock = new VirtualClock();
  const rabbit = new FakeRabbit(clock);
  const channel = new FakeChannel(new FakeConnection(rabbit), false);
  const dropped: string[] = [];
  const queue = new FakeQueue("q", { durable: true, arguments: {} }, clock, (entry) =>
    dropped.push(entry.content.toString()),
  );
  const settlements = new UnackedDeliveries(channel, clock);
  let tag = 0;
  return {
    clock,
    channel,
    queue,
    dropped,
    settlements,
    deliver(): AmqpMessage {
      tag += 1;
      const fields = { deliveryTag: tag, redelivered: false, exchange: "", routingKey: "q" };
      const from: ClientMessage = { content: Buffer.from(String(tag)), properties: {}, fields };
      channel.held.set(tag, { queue, entry: { ...from, exchange: "", routingKey: "q", returns: 0 } });
      const message = new AmqpMessage(from, settlements, place);
      settlements.deliver(tag, message);
      return message;
    },
  };
}

describe("acks", () => {
  it("of one turn of the event loop are told by one frame", async () => {
    const { clock, channel, deliver } = stage();
    const messages = [deliver(), deliver(), deliver()];
    await Promise.all(messages.map((message) => message.ack()));
    expect(channel.frames).toEqual([]);
    await clock.flush();
    expect(channel.frames).toEqual(["ack 3 and before"]);
  });

  it("leave one that came before unsettled", async () => {
    const { clock, channel, deliver } = stage();
    const [first, second, third] = [deliver(), deliver(), deliver()];
    await Promise.all([third.ack(), second.ack()]);
    await clock.flush();
    expect(channel.frames).toEqual(["ack 3", "ack 2"]);
    await first.ack();
    await clock.flush();
    expect([...channel.held.keys()]).toEqual([]);
  });

  it("resolve at once", () => {
    const { deliver } = stage();
    const [a, b] = [deliver().ack(), deliver().ack()];
    expect(a).toBe(b);
  });

  it("do not cover one that is held for later", async () => {
    const { clock, channel, deliver } = stage();
    const [first, second, third] = [deliver(), deliver(), deliver()];
    await first.nackAfter(1_000);
    await Promise.all([second.ack(), third.ack()]);
    await clock.flush();
    expect([...channel.held.keys()]).toEqual([1]);
  });
});

describe("what goes back", () => {
  it("is told at once", async () => {
    const { channel, deliver } = stage();
    const [first, second] = [deliver(), deliver()];
    await first.nack();
    await second.nack({ requeue: false });
    expect(channel.frames).toEqual(["reject 1, requeue", "reject 2"]);
  });

  it("later waits here, and not a millisecond less", async () => {
    const { clock, channel, deliver } = stage();
    await deliver().nackAfter(1_000);
    await clock.advance(999);
    expect(channel.frames).toEqual([]);
    await clock.advance(1);
    expect(channel.frames).toEqual(["reject 1, requeue"]);
  });

  it("is revoked when the channel refuses to send", async () => {
    const { channel, deliver } = stage();
    const message = deliver();
    channel.lose();
    await expect(message.nack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
  });
});

describe("the end of the channel", () => {
  it("revokes what is unsettled, and sends nothing more", async () => {
    const { clock, channel, settlements, deliver } = stage();
    const [first, second, third] = [deliver(), deliver(), deliver()];
    await first.ack();
    await second.nackAfter(10);
    settlements.end("its connection was lost");
    await expect(third.ack()).rejects.toMatchObject({
      code: "TIDELANE_DELIVERY_REVOKED",
      reason: "its connection was lost",
    });
    expect(third.signal.aborted).toBe(true);
    expect(second.signal.aborted).toBe(true);
    await clock.advance(100);
    expect(channel.frames).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

it("the server believes of every delivery what its holder said, under any history", async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constant({ kind: "deliver" as const }) },
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          "ack" as const,
          "ack" as const,
          "ack" as const,
          "requeue" as const,
          "drop" as const,
        ),
        pick: fc.nat(),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ kind: "turn" as const }) },
  );
  const run = async (steps: readonly { kind: string; pick?: number }[]): Promise<void> => {
    const { clock, channel, queue, dropped, deliver } = stage();
    const open: AmqpMessage[] = [];
    const said = { acked: 0, requeued: [] as string[], dropped: [] as string[] };
    for (const { kind, pick = 0 } of steps) {
      if (kind === "deliver") open.push(deliver());
      else if (kind === "turn") await clock.flush();
      else {
        const [message] = open.splice(pick % Math.max(1, open.length), 1);
        if (message === undefined) continue;
        if (kind === "ack") said.acked += 1;
        else said[kind === "requeue" ? "requeued" : "dropped"].push(message.text());
        await (kind === "ack" ? message.ack() : message.nack({ requeue: kind === "requeue" }));
      }
    }
    await clock.flush();
    expect(channel.open).toBe(true);
    expect([...channel.held.values()].map(({ entry }) => entry.content.toString()).sort()).toEqual(
      open.map((message) => message.text()).sort(),
    );
    expect(queue.ready.map(({ content }) => content.toString())).toEqual(said.requeued);
    expect(dropped).toEqual(said.dropped);
    const acks = channel.frames.filter((frame) => frame.startsWith("ack"));
    expect(acks.length).toBeLessThanOrEqual(said.acked);
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), run), { numRuns: 300 });
});
