import {
  MemoryBroker,
  type MemoryConnection,
  memoryPatternSource,
  memorySource,
  type TopicOptions,
} from "tidelane";
import type { Fixture, FixtureEnvironment, SourceOptions } from "tidelane/conformance";

/** The memory broker under the laws. A broker that wraps it is held to the same with `broker`. */
export const memoryFixture: Fixture<MemoryConnection> = {
  name: "memory",
  time: "virtual",
  broker: (environment) => new MemoryBroker(memoryOptions(environment)),
  source: (topic, options) => memorySource(topic, subscribeOptions(options)),
  patternSource: (pattern, options) => memoryPatternSource(pattern, subscribeOptions(options)),
  patterns: { separator: ".", one: "*", rest: ">" },
  kill: (connection) => connection.kill(),
  bounded: true,
  positions: { start: "start", end: "end", unavailable: 1_000_000 },
  promises: {
    settlesSurviveCrash: true,
    requeueKeepsPlace: true,
    countsExactly: true,
    noPrefetch: true,
    limitPerGroup: true,
    abortSendsNothing: true,
  },
};

export function memoryOptions({
  clock,
  topics,
}: FixtureEnvironment): ConstructorParameters<typeof MemoryBroker>[0] {
  const options: Record<string, TopicOptions> = {};
  for (const [topic, { retained, capacity }] of topics) {
    options[topic] = {
      ...(retained ? { retain: true } : {}),
      ...(capacity === undefined ? {} : { capacity: { messages: capacity } }),
    };
  }
  return { clock, topics: options, maxPayloadBytes: 100_000 };
}

function subscribeOptions({ retained, ...options }: SourceOptions): Parameters<typeof memorySource>[1] {
  return retained ? { ...options, from: "start" } : options;
}
