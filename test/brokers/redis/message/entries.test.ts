import fc from "fast-check";
import { MessageHeaders } from "tidelane";
import { describe, expect, it } from "vitest";
import { compareIds, idBefore } from "../../../../src/brokers/redis/message/entry-id.ts";
import { entriesOf, readFields, writeFields } from "../../../../src/brokers/redis/message/fields.ts";
import { newReplyStream, replyTopic, splitTopic } from "../../../../src/brokers/redis/message/reply-topic.ts";
import { isEntryId } from "../../../../src/brokers/redis/options.ts";

const part = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const ids = fc.tuple(part, part).map(([time, number]) => `${time}-${number}`);

describe("ids of entries", () => {
  it("the one before is the largest that is smaller", () => {
    fc.assert(
      fc.property(ids, ids, (id, other) => {
        const before = idBefore(id);
        expect(isEntryId(before)).toBe(true);
        if (id === "0-0") return;
        expect(compareIds(before, id)).toBeLessThan(0);
        expect(compareIds(other, id) < 0).toBe(compareIds(other, before) <= 0);
      }),
    );
  });

  it.each(["", "1", "1-", "-1-0", "1-0 ", "a-0", `${2n ** 64n}-0`])("%j is none", (text) => {
    expect(isEntryId(text)).toBe(false);
  });
});

describe("fields", () => {
  const value = fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array());

  it("bring back payload, headers and their order; bytes that are UTF-8 come as text", () => {
    const headers = fc.array(fc.tuple(fc.string({ unit: "grapheme", minLength: 1 }), value));
    fc.assert(
      fc.property(fc.uint8Array(), headers, (payload, given) => {
        const fields = writeFields(payload, MessageHeaders.from(given)).map((each) => Buffer.from(each));
        const content = readFields(fields);
        expect([...content.payload]).toEqual([...payload]);
        const bytes = ([name, one]: readonly [string, string | Uint8Array]) => [name, Buffer.from(one)];
        expect(Array.from(content.headers, bytes)).toEqual(given.map(bytes));
      }),
    );
  });

  it("of an answer without entries, and of an entry that is gone, are none", () => {
    expect(entriesOf(null)).toEqual([]);
    expect(entriesOf([[Buffer.from("s"), [[Buffer.from("1-0"), null]]]])).toEqual([]);
  });
});

it("a topic leads to a stream, and a reply to the stream of its requester", () => {
  const stream = newReplyStream();
  expect(splitTopic(replyTopic(stream, "7"))).toEqual({ stream, request: "7" });
  for (const topic of ["orders", "orders#7", `${stream}#`, `x${stream}#7`]) {
    expect(splitTopic(topic)).toEqual({ stream: topic });
  }
});
