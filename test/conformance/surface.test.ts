import { readFileSync } from "node:fs";
import type { Broker, MemoryConnection } from "tidelane";
import type { Fixture } from "tidelane/conformance";
import ts from "typescript";
import { expect, it } from "vitest";
import { checkLaw } from "../../conformance/engine/check-law.ts";
import { laws } from "../../conformance/laws/index.ts";
import { examine } from "../../conformance/subject.ts";
import { memoryFixture } from "./memory-fixture.ts";

/** Where each interface of the contract is declared, and which of their members cannot be seen here. */
const declared: Readonly<Record<string, { readonly file: string; readonly exempt?: readonly string[] }>> = {
  Broker: { file: "broker" },
  Connection: { file: "broker" },
  Subscribe: { file: "broker" },
  // What it does is judged over the pattern source of the fixture, which calls it on the connection itself.
  PatternSubscribe: { file: "broker", exempt: ["subscribePattern"] },
  DescribeServer: { file: "broker" },
  SubscriberIterator: { file: "subscriber" },
  Subscriber: { file: "subscriber" },
  BatchSubscriber: { file: "subscriber" },
  Seekable: { file: "subscriber" },
  Positioned: { file: "subscriber" },
  Pausable: { file: "subscriber" },
  // The memory broker has no partitions.
  Partitioned: { file: "subscriber", exempt: ["partition"] },
  Publisher: { file: "publisher" },
  TransactionalPublisher: { file: "publisher" },
  RequestReply: { file: "publisher" },
  // The connection calls it.
  SubscriptionSource: { file: "broker", exempt: ["open"] },
  Message: { file: "message" },
};

/** `[Symbol.asyncDispose]` of what extends `AsyncDisposable` is in no declaration of ours. */
const inherited: Readonly<Record<string, readonly string[]>> = {
  Connection: ["[Symbol.asyncDispose]"],
  Subscriber: ["[Symbol.asyncDispose]"],
};

function membersOf(name: string, file: string): string[] {
  const path = new URL(`../../src/traits/${file}.ts`, import.meta.url);
  const source = ts.createSourceFile(file, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  for (const node of source.statements) {
    if (!(ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) || node.name?.text !== name)
      continue;
    const members = [...node.members].filter(isPublic).flatMap((member) => member.name?.getText() ?? []);
    return [...members, ...(inherited[name] ?? [])];
  }
  throw new Error(`src/traits/${file}.ts declares no ${name}`);
}

function isPublic(member: ts.TypeElement | ts.ClassElement): boolean {
  const hidden = ts.ModifierFlags.Protected | ts.ModifierFlags.Private;
  if (member.name === undefined || ts.isPrivateIdentifier(member.name)) return false;
  return (ts.getCombinedModifierFlags(member as ts.Declaration) & hidden) === 0;
}

/** The description of a symbol differs between versions of Node. */
function nameOf(property: string | symbol): string {
  if (property === Symbol.asyncDispose) return "[Symbol.asyncDispose]";
  return property === Symbol.asyncIterator ? "[Symbol.asyncIterator]" : String(property);
}

/** Remembers which members of an object somebody reads or calls, under the names of its interfaces. */
class Recorder {
  readonly seen: Set<string> = new Set();

  watch<T extends object>(target: T, names: readonly string[], results: Results = {}): T {
    return new Proxy(target, {
      get: (real, property) => {
        const member = nameOf(property);
        for (const name of names) this.seen.add(`${name}.${member}`);
        const value: unknown = Reflect.get(real, property, real);
        if (typeof value !== "function") return value;
        const wrap = results[member] ?? ((result: unknown) => result);
        return (...given: unknown[]) => wrap(Reflect.apply(value, real, given));
      },
    });
  }
}

type Results = Readonly<Record<string, (result: unknown) => unknown>>;

const object = (value: unknown): object => value as object;

function recordingFixture(recorder: Recorder): Fixture {
  const message = (real: unknown): object => recorder.watch(object(real), ["Message", "Positioned"]);
  const later =
    (wrap: (value: unknown) => unknown) =>
    async (answer: unknown): Promise<unknown> =>
      wrap(await answer);
  const iterator = (real: unknown): object =>
    recorder.watch(object(real), ["SubscriberIterator"], {
      next: later((result) => {
        const { done, value } = result as IteratorResult<object, undefined>;
        return done ? result : { done, value: message(value) };
      }),
      takeReady: (taken) => (taken as object[]).map(message),
    });
  const subscriber = (real: unknown): object =>
    recorder.watch(object(real), ["Subscriber", "BatchSubscriber", "Seekable", "Pausable"], {
      "[Symbol.asyncIterator]": iterator,
    });
  const publisher = (real: unknown): object =>
    recorder.watch(object(real), ["Publisher", "TransactionalPublisher", "RequestReply"]);
  const connection = (real: MemoryConnection): MemoryConnection =>
    recorder.watch(real, ["Connection", "DescribeServer", "Subscribe", "PatternSubscribe"], {
      publisher,
      subscribe: later(subscriber),
    });
  return {
    ...memoryFixture,
    broker: async (environment: Parameters<typeof memoryFixture.broker>[0]) => {
      const real = await memoryFixture.broker(environment);
      const broker: Broker<MemoryConnection> = recorder.watch(real, ["Broker"], {
        connect: later((made) => connection(made as MemoryConnection)),
      });
      return broker;
    },
    source: (topic: string, options: Parameters<typeof memoryFixture.source>[1]) =>
      recorder.watch(memoryFixture.source(topic, options), ["SubscriptionSource"]),
  } as unknown as Fixture;
}

it("every member of the contract is called, or read, by the laws themselves", {
  timeout: 60_000,
}, async () => {
  const recorder = new Recorder();
  const subject = await examine(recordingFixture(recorder));
  for (const law of laws) {
    // The laws of lanes play the runtime, which calls nearly everything; what counts is what the harness looks at.
    if (/lanes|retry-keeps|drain/.test(law.name)) continue;
    await checkLaw(law, subject, { seed: 1, runs: 6 });
  }
  const missing = Object.entries(declared).flatMap(([name, { file, exempt = [] }]) =>
    membersOf(name, file)
      .filter((member) => !exempt.includes(member) && !recorder.seen.has(`${name}.${member}`))
      .map((member) => `${name}.${member}`),
  );
  expect(missing).toEqual([]);
});
