import { headerNames, MemoryBroker } from "tidelane";
import { describe, expect, it } from "vitest";
import { countDeadLetters, endHeader, lineHeader } from "../../../examples/demo/dead-letters.ts";

describe("countDeadLetters", () => {
  it("counts by reason up to the end marker, most frequent first, with the smallest line", async () => {
    const connection = await new MemoryBroker().connect();
    const subscriber = await connection.subscribe("dead");
    const publisher = connection.publisher();
    const letters = [
      ["cut", "9"],
      ["startup", "8"],
      ["startup", "3"],
      ["empty", "4"],
    ] as const;
    for (const [reason, line] of letters) {
      const headers = { [headerNames.deadLetterReason]: reason, [lineHeader]: line };
      await publisher.publish({ topic: "dead", payload: "x", headers });
    }
    await publisher.publish({ topic: "dead", payload: "", headers: { [endHeader]: "1" } });
    expect(await countDeadLetters(subscriber)).toEqual([
      { reason: "startup", count: 2, firstLine: 3 },
      { reason: "empty", count: 1, firstLine: 4 },
      { reason: "cut", count: 1, firstLine: 9 },
    ]);
    await connection.close();
  });

  it("ends when the subscription does", async () => {
    const connection = await new MemoryBroker().connect();
    const counting = countDeadLetters(await connection.subscribe("dead"));
    await connection.close();
    expect(await counting).toEqual([]);
  });
});
