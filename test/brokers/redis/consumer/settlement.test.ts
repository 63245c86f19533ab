import { describe, expect, it } from "vitest";
import { StreamContext } from "../../../../src/brokers/redis/consumer/context.ts";
import { HeldDeliveries } from "../../../../src/brokers/redis/consumer/held-deliveries.ts";
import { Settlement } from "../../../../src/brokers/redis/consumer/settlement.ts";
import { RedisMessage } from "../../../../src/brokers/redis/message/message.ts";
import { checkStreamOptions } from "../../../../src/brokers/redis/options.ts";
import { Group } from "../../../../src/brokers/redis/topology/topology.ts";
import { nextTurn } from "../../../../src/traits/clock.ts";
import { type Call, FakeConnection } from "../fake-connection.ts";

function bench() {
  const connection = new FakeConnection();
  const settings = checkStreamOptions("test", "s", { group: "g", ackDeadlineMs: 1_000 });
  const context = new StreamContext(connection, settings, new Group(settings), "me");
  const held = new HeldDeliveries(connection.clock, 1_000, () => {});
  const requeued: string[] = [];
  const settlement = new Settlement(context, held, { settled: () => {}, requeued: () => requeued.push("x") });
  const deliver = (id: string): RedisMessage => {
    const message = new RedisMessage("s", { id, fields: [], deliveryCount: 1 }, settlement);
    held.add(message);
    return message;
  };
  return { connection, held, settlement, deliver, requeued };
}

/** The command, or for a script what follows the group and the consumer. */
function shown({ args }: Call): string {
  const [name] = args;
  return name === "EVALSHA" ? args.slice(7).join(" ") : args.join(" ");
}

describe("settles", () => {
  it("the acks of a turn are one command, after what was renewed in it", async () => {
    const { connection, deliver } = bench();
    const [one, two, three] = ["1-0", "2-0", "3-0"].map(deliver);
    const renewed = three?.keepAlive();
    await Promise.all([one, two, three].map((message) => message?.ack()));
    expect(connection.calls).toEqual([]);
    await nextTurn();
    await nextTurn();
    expect(connection.calls.map(shown)).toEqual(["3-0 1", "XACK s g 1-0 2-0 3-0"]);
    connection.calls[0]?.answer([1]);
    await renewed;
  });

  it("what has no answer when the connection is lost is sent again, and counts as done where it is not held any more", async () => {
    const { connection, deliver, requeued } = bench();
    const [one, two] = ["1-0", "2-0"].map(deliver);
    await one?.ack();
    const back = two?.nack();
    await nextTurn();
    await nextTurn();
    expect(connection.calls).toHaveLength(2);
    connection.lose();
    await nextTurn();
    connection.restore();
    await connection.clock.advance(100);
    await nextTurn();
    expect(connection.calls.map(shown).sort()).toEqual(["2-0 1 0", "XACK s g 1-0"]);
    for (const call of connection.calls) call.answer(String(call.args[0]) === "XACK" ? 1 : [0]);
    await back;
    expect(requeued).toEqual(["x"]);
  });

  it("a requeue of what the server gave to another is a revocation", async () => {
    const { connection, deliver } = bench();
    const message = deliver("1-0");
    const back = message.nack();
    await nextTurn();
    await nextTurn();
    connection.calls[0]?.answer([0]);
    await expect(back).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
    expect(message.signal.aborted).toBe(true);
  });

  it("a script that the server does not have is sent whole", async () => {
    const { connection, deliver } = bench();
    const back = deliver("1-0").nackAfter(5);
    await nextTurn();
    await nextTurn();
    connection.calls.shift()?.refuse("NOSCRIPT No matching script.");
    await nextTurn();
    const [call] = connection.calls;
    expect([call?.args[0], call?.args.slice(-3).join(" ")]).toEqual(["EVAL", "1-0 1 5"]);
    call?.answer([1]);
    await back;
  });

  it("at the deadline a delivery is revoked, keepAlive begins it again, and an ack is refused then", async () => {
    const { connection, deliver, held } = bench();
    const [one, two] = ["1-0", "2-0"].map(deliver);
    await connection.clock.advance(900);
    const renewed = two?.keepAlive();
    await nextTurn();
    await nextTurn();
    connection.calls[0]?.answer([1]);
    await renewed;
    await connection.clock.advance(100);
    expect([one?.revoked === undefined, two?.revoked === undefined, held.size]).toEqual([false, true, 1]);
    await expect(one?.ack()).rejects.toMatchObject({ code: "TIDELANE_DELIVERY_REVOKED" });
    await connection.clock.advance(900);
    expect(held.size).toBe(0);
  });
});
