import type { Capabilities, Connection, PublisherCapabilities } from "../src/traits/index.ts";
import { defaultTimings, type Fixture, type StrictPromises, type Timings } from "./fixture.ts";
import { paceOf } from "./stage/pace.ts";

/** A fixture, and what its broker says of itself. */
export interface Subject {
  readonly fixture: Fixture;
  /** Of a subscription with a group and no further options. */
  readonly capabilities: Capabilities;
  readonly publisher: PublisherCapabilities;
  readonly promises: StrictPromises;
  readonly timings: Timings;
}

/** Asks the broker what it claims: connects once, reads its capabilities, and goes. */
export async function examine(fixture: Fixture): Promise<Subject> {
  const broker = await fixture.broker({ clock: paceOf(fixture).clock, topics: new Map() });
  const connection: Connection = await broker.connect();
  try {
    return {
      fixture,
      capabilities: fixture.source("tidelane-conformance", { group: "claims" }).capabilities,
      publisher: connection.publisher().capabilities,
      promises: fixture.promises ?? {},
      timings: { ...defaultTimings, ...fixture.timings },
    };
  } finally {
    await connection.shutdown();
  }
}
