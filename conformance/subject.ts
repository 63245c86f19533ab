import type { Capabilities, Connection, PublisherCapabilities } from "../src/traits/index.ts";
import { defaultTimings, type Fixture, type StrictPromises, type Timings } from "./fixture.ts";
import { type Latency, measureLatency } from "./latency.ts";
import { paceOf } from "./stage/pace.ts";

/** A fixture, and what its broker says of itself. */
export interface Subject {
  readonly fixture: Fixture;
  /** Of a subscription with a group and no further options. */
  readonly capabilities: Capabilities;
  readonly publisher: PublisherCapabilities;
  readonly promises: StrictPromises;
  readonly timings: Timings;
  /** Measured, where the fixture does not say how long a step takes. */
  readonly latency?: Latency | undefined;
}

/** Asks the broker what it claims, and how fast it is where that is not said: then a step waits as long as that takes. */
export async function examine(fixture: Fixture): Promise<Subject> {
  const broker = await fixture.broker({ clock: paceOf(fixture).clock, topics: new Map() });
  const connection: Connection = await broker.connect();
  const timings = { ...defaultTimings, ...fixture.timings };
  const timed = fixture.time === "real" && fixture.timings?.stepMs === undefined;
  try {
    const { capabilities } = fixture.source("tidelane-conformance", { group: "claims" });
    const latency = timed ? await measureLatency(fixture, capabilities.groups, timings.arrivalMs) : undefined;
    return {
      fixture,
      capabilities,
      publisher: connection.publisher().capabilities,
      promises: fixture.promises ?? {},
      timings: latency === undefined ? timings : { ...timings, stepMs: latency.stepMs },
      latency,
    };
  } finally {
    await connection.close();
  }
}
