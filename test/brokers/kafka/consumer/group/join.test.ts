import { describe, expect, it, vi } from "vitest";
import type { CreateAssigner } from "../../../../../src/brokers/kafka/client.ts";
import { interceptJoins, membershipAfter } from "../../../../../src/brokers/kafka/consumer/group/join.ts";

const led = membershipAfter(undefined, { generationId: 5, memberId: "a", leaderId: "a" });

describe("a join follows on the last generation that had an assignment", () => {
  it("which is the one before it, where that had one", () => {
    expect(led).toEqual({ generation: 5, memberId: "a", isLeader: true, follows: 4 });
  });

  it("over any number of generations that this member led in vain", () => {
    const second = membershipAfter(led, { generationId: 6, memberId: "a", leaderId: "a" });
    expect(second.follows).toBe(4);
    expect(membershipAfter(second, { generationId: 7, memberId: "a", leaderId: "b" }).follows).toBe(4);
  });

  it("but not over one that another led, or missed, or had as another member", () => {
    const other = membershipAfter(undefined, { generationId: 5, memberId: "a", leaderId: "b" });
    expect(membershipAfter(other, { generationId: 6, memberId: "a", leaderId: "a" }).follows).toBe(5);
    expect(membershipAfter(led, { generationId: 7, memberId: "a", leaderId: "a" }).follows).toBe(6);
    expect(membershipAfter(led, { generationId: 6, memberId: "c", leaderId: "c" }).follows).toBe(5);
  });
});

it.each([
  ["REBALANCE_IN_PROGRESS", 1],
  ["NOT_COORDINATOR_FOR_GROUP", 0],
])("a sync that fails with %s says %i times that the group began again", async (type, times) => {
  const failure = Object.assign(new Error(type), { type });
  const coordinator = {
    joinGroup: async (_: unknown) => ({ generationId: 1, memberId: "a", leaderId: "a" }),
    syncGroup: (_: unknown) => Promise.reject(failure),
  };
  const heard = { joined: vi.fn(), superseded: vi.fn() };
  const place = { cluster: { findGroupCoordinator: async () => coordinator } } as never;
  const create = ((given: unknown) => given) as unknown as CreateAssigner;
  interceptJoins(create, async () => undefined, heard)(place);
  await (place as { cluster: { findGroupCoordinator(): Promise<unknown> } }).cluster.findGroupCoordinator();
  await coordinator.joinGroup({});
  await expect(coordinator.syncGroup({})).rejects.toBe(failure);
  expect(heard.joined).toHaveBeenCalledTimes(1);
  expect(heard.superseded).toHaveBeenCalledTimes(times);
});
