import { randomUUID } from "node:crypto";
import type { Connection } from "../src/traits/index.ts";
import type { Fixture } from "./fixture.ts";
import { type Pace, paceOf } from "./stage/pace.ts";

/** Deliveries that are measured, behind one that is not: with that the subscription gets going. */
const measured = 5;

/** So many times the slowest delivery is enough for one that comes at all, nearly always. */
const factor = 10;

/** At least this much, because a machine may be busy for a moment. At most this much: for a slower broker, set `stepMs`. */
const bounds = { least: 60, most: 2_000 } as const;

/** The slowest of a few deliveries, and how long a step waits for an answer because of it. */
export interface Latency {
  readonly slowestMs: number;
  readonly stepMs: number;
}

export function stepFor(slowestMs: number): number {
  return Math.ceil(Math.min(bounds.most, Math.max(bounds.least, factor * slowestMs)));
}

/**
 * How long the broker takes from a publish to its delivery. Undefined where a delivery does not come in `limitMs`, or a
 * call fails: what is wrong then is for the laws to say.
 */
export async function measureLatency(
  fixture: Fixture,
  grouped: boolean,
  limitMs: number,
): Promise<Latency | undefined> {
  const pace = paceOf(fixture);
  const topic = ["tidelane", "latency", randomUUID()].join(fixture.patterns?.separator ?? "-");
  const broker = await fixture.broker({ clock: pace.clock, topics: new Map([[topic, {}]]) });
  const connection = await broker.connect();
  const source = fixture.source(topic, grouped ? { group: "latency" } : {});
  try {
    return await measure(pace, connection, source, topic, limitMs);
  } catch {
    return undefined;
  } finally {
    await connection.close();
  }
}

async function measure(
  pace: Pace,
  connection: Connection,
  source: ReturnType<Fixture["source"]>,
  topic: string,
  limitMs: number,
): Promise<Latency | undefined> {
  const subscriber = await connection.subscribe(source);
  const iterator = subscriber[Symbol.asyncIterator]();
  const publisher = connection.publisher();
  let slowestMs = 0;
  for (let count = 0; count <= measured; count += 1) {
    const next = iterator.next();
    const began = pace.clock.now();
    await publisher.publish({ topic, payload: `${count}` });
    if (!(await pace.within(next, limitMs))) return undefined;
    if (count > 0) slowestMs = Math.max(slowestMs, pace.clock.now() - began);
    const { value } = await next;
    if (value === undefined) return undefined;
    await value.ack();
  }
  return { slowestMs, stepMs: stepFor(slowestMs) };
}
