import { describe, expect, it } from "vitest";
import type {
  GroupAssignment,
  GroupMember,
  GroupSubscription,
} from "../../../../../src/brokers/kafka/consumer/assigners/group-subscription.ts";
import {
  assignRanges,
  assignRoundRobin,
} from "../../../../../src/brokers/kafka/consumer/assigners/java-assigners.ts";

function member(id: string, topics: string[], instanceId?: string): GroupMember {
  return { id, topics, instanceId, userData: undefined };
}

function view(members: GroupMember[], topics: Record<string, number>): GroupSubscription {
  const partitions = Object.entries(topics).map(
    ([topic, count]) => [topic, Array.from({ length: count }, (_one, id) => id)] as const,
  );
  return { members, partitions: new Map(partitions) };
}

function plain(shares: GroupAssignment): Record<string, Record<string, number[]>> {
  return Object.fromEntries(Array.from(shares, ([id, share]) => [id, Object.fromEntries(share)]));
}

// The cases are those of RangeAssignorTest and RoundRobinAssignorTest of Apache Kafka.
describe("range", () => {
  it("gives one member everything", () => {
    expect(plain(assignRanges(view([member("c", ["a", "b"])], { a: 1, b: 2 })))).toEqual({
      c: { a: [0], b: [0, 1] },
    });
  });

  it("gives the first members one more, topic by topic", () => {
    const members = [member("c2", ["t1", "t2"]), member("c1", ["t1", "t2"])];
    expect(plain(assignRanges(view(members, { t1: 3, t2: 3 })))).toEqual({
      c1: { t1: [0, 1], t2: [0, 1] },
      c2: { t1: [2], t2: [2] },
    });
  });

  it("gives nothing to those that are too many, and they are in the answer", () => {
    const members = [member("c1", ["t"]), member("c2", ["t"]), member("c3", ["t"])];
    expect(plain(assignRanges(view(members, { t: 2 })))).toEqual({ c1: { t: [0] }, c2: { t: [1] }, c3: {} });
  });

  it("shares a topic among those that subscribe to it", () => {
    const members = [member("c1", ["t1"]), member("c2", ["t1", "t2"]), member("c3", ["t1"])];
    expect(plain(assignRanges(view(members, { t1: 3, t2: 2 })))).toEqual({
      c1: { t1: [0] },
      c2: { t1: [1], t2: [0, 1] },
      c3: { t1: [2] },
    });
  });

  it("has static members first, by their instance id", () => {
    const members = [member("a", ["t"]), member("z", ["t"], "i2"), member("y", ["t"], "i3")];
    expect(plain(assignRanges(view(members, { t: 5 })))).toEqual({
      z: { t: [0, 1] },
      y: { t: [2, 3] },
      a: { t: [4] },
    });
  });

  it("passes over a topic that does not exist", () => {
    expect(plain(assignRanges(view([member("c", ["gone"])], {})))).toEqual({ c: {} });
  });
});

describe("roundrobin", () => {
  it("goes on over topics, sorted by name", () => {
    const members = [member("c2", ["t1", "t2"]), member("c1", ["t2", "t1"])];
    expect(plain(assignRoundRobin(view(members, { t2: 3, t1: 3 })))).toEqual({
      c1: { t1: [0, 2], t2: [1] },
      c2: { t1: [1], t2: [0, 2] },
    });
  });

  it("passes over members that do not subscribe", () => {
    const members = [member("c1", ["t1"]), member("c2", ["t1", "t2"]), member("c3", ["t1"])];
    expect(plain(assignRoundRobin(view(members, { t1: 3, t2: 2 })))).toEqual({
      c1: { t1: [0] },
      c2: { t1: [1], t2: [0, 1] },
      c3: { t1: [2] },
    });
  });

  it("has every member in the answer, and static ones first", () => {
    const members = [member("a", ["t"]), member("z", ["t"], "i2"), member("b", ["other"])];
    expect(plain(assignRoundRobin(view(members, { t: 3 })))).toEqual({
      z: { t: [0, 2] },
      a: { t: [1] },
      b: {},
    });
  });
});
