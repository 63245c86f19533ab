import { type Broker, MemoryBroker, type MemoryConnection, memorySource, NotSupportedError } from "tidelane";
import type { Fixture } from "tidelane/conformance";
import { expect, it } from "vitest";
import { checkLaw } from "../../conformance/engine/check-law.ts";
import { capabilitiesMatch } from "../../conformance/laws/capabilities-match.ts";
import { examine } from "../../conformance/subject.ts";
import { memoryFixture, memoryOptions } from "./memory-fixture.ts";

/** The memory broker, with another usual source. */
function withSource(source: NonNullable<Broker<MemoryConnection>["source"]>): Fixture {
  const broker: Fixture<MemoryConnection>["broker"] = (environment) => {
    const real = new MemoryBroker(memoryOptions(environment));
    return { name: real.name, connect: (options) => real.connect(options), source };
  };
  return { ...memoryFixture, broker } satisfies Fixture<MemoryConnection> as Fixture;
}

async function observed(fixture: Fixture): Promise<string | undefined> {
  const report = await checkLaw(capabilitiesMatch, await examine(fixture), { seed: 1, runs: 5 });
  return report.counterexample && JSON.stringify(report.counterexample);
}

const refuse = (): never => {
  throw new NotSupportedError({ capability: "A group", reason: "all consumers share a queue" });
};

it.each([
  ["of another topic", () => memorySource("other"), /gives a source of/],
  ["that cannot be made", () => JSON.parse("{"), /threw SyntaxError/],
])("a usual source %s breaks capabilities-match", async (_, source, said) => {
  expect(await observed(withSource(source))).toMatch(said);
});

it.each([
  ["is of its topic", (topic: string) => memorySource(topic)],
  [
    "is refused for a group",
    (topic: string, options?: { readonly group?: string | undefined }) =>
      options?.group === undefined ? memorySource(topic) : refuse(),
  ],
])("a usual source that %s does not", async (_, source) => {
  expect(await observed(withSource(source))).toBeUndefined();
});
