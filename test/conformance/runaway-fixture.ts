import type { MemoryConnection } from "tidelane";
import type { Fixture } from "tidelane/conformance";
import { memoryFixture } from "./memory-fixture.ts";

/** What a broker may do that no promise tells of. */
export type Runaway = "loops" | "loops in microtasks" | "eats heap" | "eats buffers" | "throws" | "exits";

const kept: unknown[] = [];

const deeds: Readonly<Record<Runaway, () => void | Promise<void>>> = {
  loops: () => {
    for (;;);
  },
  "loops in microtasks": async () => {
    for (;;) await undefined;
  },
  "eats heap": () => {
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, index) => ({ index })));
  },
  "eats buffers": () => {
    for (;;) kept.push(Buffer.alloc(1_000_000, 1));
  },
  throws: () => {
    setImmediate(() => {
      throw new Error("a bug in a timer");
    });
  },
  exits: () => process.exit(3),
};

/** A memory broker that goes wrong at the third publish of a history with a key. */
export function runaway(deed: unknown): Fixture {
  const act = deeds[deed as Runaway];
  return {
    ...memoryFixture,
    name: "runaway",
    broker: async (environment) => {
      const broker = await memoryFixture.broker(environment);
      let publishes = 0;
      return {
        name: "runaway",
        connect: async (options) => {
          const connection = await broker.connect(options);
          const publisher = connection.publisher();
          const publish = publisher.publish.bind(publisher);
          publisher.publish = async (message, given) => {
            publishes += 1;
            if (publishes === 3) await act();
            return publish(message, given);
          };
          connection.publisher = () => publisher;
          return connection;
        },
      };
    },
  } as Partial<Fixture<MemoryConnection>> as unknown as Fixture;
}

/** It cannot be reached. */
export function unreachable(): Fixture {
  return {
    ...memoryFixture,
    broker: () => {
      throw new Error("nobody is at home");
    },
  } as unknown as Fixture;
}
