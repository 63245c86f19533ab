import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { balance, type StickyMember } from "../../../../../src/brokers/kafka/consumer/assigners/balance.ts";
import type { GroupAssignment } from "../../../../../src/brokers/kafka/consumer/assigners/group-subscription.ts";

function member(
  id: string,
  topics: string[],
  owned: Record<string, number[]> = {},
  generation = 1,
): StickyMember {
  return { id, topics, owned, generation };
}

function plain(shares: GroupAssignment): Record<string, Record<string, number[]>> {
  return Object.fromEntries(Array.from(shares, ([id, share]) => [id, Object.fromEntries(share)]));
}

describe("sharing out partitions", () => {
  it("gives everything to a member that is alone", () => {
    const shares = balance([member("a", ["t"])], new Map([["t", [0, 1, 2]]]));
    expect(plain(shares)).toEqual({ a: { t: [0, 1, 2] } });
  });

  it("moves only what a newcomer is due", () => {
    const shares = balance(
      [member("new", ["t"], {}, -1), member("old", ["t"], { t: [0, 1, 2, 3] })],
      new Map([["t", [0, 1, 2, 3]]]),
    );
    expect(shares.get("old")?.get("t")).toHaveLength(2);
    expect(shares.get("new")?.get("t")).toHaveLength(2);
  });

  it("takes from those who have most", () => {
    const shares = balance(
      [member("a", ["t"], { t: [0, 1, 2, 3] }), member("b", ["t"], { t: [4, 5, 6, 7] }), member("c", ["t"])],
      new Map([["t", [0, 1, 2, 3, 4, 5, 6, 7]]]),
    );
    expect(plain(shares)["a"]?.["t"]?.every((id) => id < 4)).toBe(true);
    expect(plain(shares)["b"]?.["t"]?.every((id) => id > 3)).toBe(true);
    expect(shares.get("c")?.get("t")).toHaveLength(2);
  });

  it("believes who was there last", () => {
    const shares = balance(
      [member("a", ["t"], { t: [0] }, 3), member("b", ["t"], { t: [0] }, 7)],
      new Map([["t", [0]]]),
    );
    expect(plain(shares)).toEqual({ a: {}, b: { t: [0] } });
  });

  it("gives nobody a topic he did not subscribe to", () => {
    const shares = balance(
      [member("a", ["t"]), member("b", ["u"])],
      new Map([
        ["t", [0, 1, 2]],
        ["u", [0]],
      ]),
    );
    expect(plain(shares)).toEqual({ a: { t: [0, 1, 2] }, b: { u: [0] } });
  });

  it("believes no claim on what there is not", () => {
    const shares = balance([member("a", ["t"], { t: [9], gone: [0] })], new Map([["t", [0]]]));
    expect(plain(shares)).toEqual({ a: { t: [0] } });
  });
});

const topicNames = ["t", "u", "v"];

const members = fc.uniqueArray(
  fc.record({
    id: fc.stringMatching(/^[a-f]{1,2}$/),
    topics: fc.subarray(topicNames, { minLength: 1 }),
    owned: fc.dictionary(fc.constantFrom(...topicNames), fc.uniqueArray(fc.integer({ min: 0, max: 9 }))),
    generation: fc.integer({ min: -1, max: 5 }),
  }),
  { minLength: 1, maxLength: 6, selector: ({ id }) => id },
);

const partitions = fc
  .tuple(...topicNames.map(() => fc.integer({ min: 0, max: 8 })))
  .map(
    (counts) =>
      new Map(
        topicNames.map((topic, index) => [topic, Array.from({ length: counts[index] ?? 0 }, (_, id) => id)]),
      ),
  );

describe("any group", () => {
  it("has each partition once, with a member that wants it, and nobody could even out more", () => {
    fc.assert(
      fc.property(members, partitions, (members, topics) => {
        const shares = balance(members, topics);
        const size = (id: string): number => [...(shares.get(id)?.values() ?? [])].flat().length;
        for (const [topic, ids] of topics) {
          const takers = members.filter((one) => one.topics.includes(topic));
          for (const id of ids) {
            const candidates = members.filter((one) => shares.get(one.id)?.get(topic)?.includes(id));
            expect(candidates).toHaveLength(takers.length === 0 ? 0 : 1);
            const holder = candidates[0];
            if (holder === undefined) continue;
            expect(holder.topics).toContain(topic);
            const least = Math.min(...takers.map((one) => size(one.id)));
            expect(size(holder.id) - least).toBeLessThan(2);
          }
        }
        const all = [...shares.values()].flatMap((share) => [...share.values()].flat());
        const wanted = [...topics].flatMap(([topic, ids]) =>
          members.some((one) => one.topics.includes(topic)) ? ids : [],
        );
        expect(all).toHaveLength(wanted.length);
      }),
    );
  });

  it("changes nothing when it is shared out again", () => {
    fc.assert(
      fc.property(members, partitions, (members, topics) => {
        const first = plain(balance(members, topics));
        const again = members.map((one) => ({ ...one, owned: first[one.id] ?? {}, generation: 9 }));
        expect(plain(balance(again.toReversed(), topics))).toEqual(first);
      }),
    );
  });

  it("moves no more than an even share asks for when one comes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 30 }), (count, size) => {
        const topics = new Map([["t", Array.from({ length: size }, (_, id) => id)]]);
        const old = Array.from({ length: count }, (_, index) => member(`m${index}`, ["t"]));
        const before = plain(balance(old, topics));
        const members = [...old.map((one) => ({ ...one, owned: before[one.id] ?? {} })), member("z", ["t"])];
        const after = plain(balance(members, topics));
        const moved = (after["z"]?.["t"] ?? []).length;
        expect(moved).toBe(Math.floor(size / (count + 1)));
        for (const one of old) {
          const kept = (after[one.id]?.["t"] ?? []).filter((id) => before[one.id]?.["t"]?.includes(id));
          expect(kept).toEqual(after[one.id]?.["t"] ?? []);
        }
      }),
    );
  });
});
