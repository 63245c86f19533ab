import { describe, expect, it } from "vitest";
import { mutateSources } from "../../scripts/mutants/bundle.ts";
import { hunt } from "../../scripts/mutants/hunt.ts";
import { readAside, stale } from "../../scripts/mutants/set-aside.ts";

/** One for each kind of change, from all over the broker; the whole is `npm run mutants`. */
const sample = [
  "src/structures/outlet.ts Outlet.serve [removed statement] active.write(item); => nothing",
  "src/structures/outlet.ts Outlet.end [removed statement] this.serve(); => nothing",
  "src/structures/outlet.ts Outlet.refuseSecond [decided condition] this.#active => false",
  "src/brokers/memory/consumer/batches.ts BatchIterator.#add [decided condition] this.#timer !== undefined || this.#isComplete() => true",
  "src/brokers/memory/server/server.ts MemoryServer.groupOfTopic [removed element] [topic] => []",
  "src/brokers/memory/consumer/consumer.ts Consumer.paused [decided condition] this.#wants => false",
  "src/brokers/memory/server/group-queue.ts GroupQueue.take [decided condition] this.#returned.size > 0 => false",
  "src/brokers/memory/server/group.ts Group.take [boundary] this.#inFlight.size >= this.settings.maxInFlight => this.#inFlight.size > this.settings.maxInFlight",
  "src/brokers/memory/server/group.ts Group.take [constant] 1 => 2",
  "src/brokers/memory/server/group.ts Group.requeue [removed statement] this.#delayed.push(entry); => nothing",
  "src/brokers/memory/server/group.ts Group.#setAside [decided condition] deadLetter !== undefined => false",
  "src/brokers/memory/server/group.ts Group.#isExhausted [boundary] entry.deliveries >= deadLetter.maxDeliveries => entry.deliveries > deadLetter.maxDeliveries",
  "src/brokers/memory/server/log.ts Log.from [other method] found.push(stored) => found.unshift(stored)",
  "src/brokers/memory/message/message.ts MemoryMessage.deliveryCount [fixed result] this.#deliveryCount => 0",
  'src/brokers/memory/options/pattern.ts hasWildcard [fixed result] topic.split(".").some((token) => token === "*" || token === ">") => false',
  "src/brokers/memory/publisher/publisher.ts checkCall [removed statement] throwIfAborted(options.signal, what); => nothing",
  "src/brokers/memory/server/seek.ts from [fixed result] [...all].sort((a, b) => a.sequence - b.sequence) => []",
  "src/brokers/memory/server/topic.ts Topic.detach [constant] 1 => (0)",
  "src/brokers/memory/publisher/transaction.ts Transaction.#publish [other method] this.#messages.push(this.#check(message)) => this.#messages.unshift(this.#check(message))",
  "src/brokers/memory/publisher/wait.ts Wait.end [removed statement] this.reject(this.#connection.closedError(this.what)); => nothing",
];

const mutants = mutateSources().flatMap((file) => file.mutants);

describe("mutants of the memory broker and of Outlet", () => {
  it("are killed by the laws, twenty for a sample", { timeout: 180_000 }, async () => {
    const verdicts = await hunt({
      seed: 1,
      runs: 60,
      processes: 2,
      reach: false,
      choose: (all) => all.filter(({ name }) => sample.includes(name)),
    });
    expect(verdicts.map(({ mutant }) => mutant.name).sort()).toEqual([...sample].sort());
    const left = verdicts.filter(({ fate }) => fate.kind === "survived" || fate.kind === "not reached");
    expect(left.map(({ mutant }) => mutant.name)).toEqual([]);
  });
});

describe("what is set aside", () => {
  const aside = readAside();

  it("is there to be mutated", () => {
    expect(stale(aside, mutants)).toEqual([]);
  });

  it("has a reason each, and stands there once", () => {
    for (const { reason } of aside) expect(reason.length, reason).toBeGreaterThan(20);
    const names = aside.flatMap((entry) => entry.mutants);
    expect(new Set(names).size).toBe(names.length);
  });
});
