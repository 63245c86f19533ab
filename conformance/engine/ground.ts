import type { Arbitrary } from "fast-check";
import { fc } from "../fast-check.ts";
import type { SourceOptions } from "../fixture.ts";
import type { Topics } from "../stage/stage.ts";
import type { GroupSpec } from "../stage/subscriber-actor.ts";
import type { Subject } from "../subject.ts";

/** What a history is played on: its topics, its groups, and who is there when it begins. */
export interface Ground {
  readonly topics: Topics;
  readonly groups: readonly GroupSpec[];
  /** Subscribers to begin with, by the index of their group. */
  readonly seats: readonly number[];
  readonly connections: number;
}

/** What one history adds to the plain ground of its law. Each is absent on the plain one. */
export interface Mixture {
  /** Of the topic everybody reads. */
  readonly capacity?: number | undefined;
  readonly maxInFlight?: number | undefined;
  readonly ackDeadlineMs?: number | undefined;
  readonly deadLetter?:
    | { readonly maxDeliveries: number; readonly capacity?: number | undefined }
    | undefined;
  /** A subscription without a group. */
  readonly ungrouped?: boolean;
  readonly secondGroup?: boolean;
  readonly secondConnection?: boolean;
}

const topicOfDeadLetters = "D";
const deadlineMs = 1_000;

/** The options a broker has for a subscription, as its capabilities say. */
interface Offers {
  readonly capacity: boolean;
  readonly maxInFlight: boolean;
  readonly ackDeadline: boolean;
  readonly deadLetter: boolean;
  readonly ungrouped: boolean;
  readonly groups: boolean;
}

function offersOf({ capabilities, fixture }: Subject): Offers {
  const claims = (options: SourceOptions) =>
    fixture.source("tidelane-conformance", { group: "claims", ...options }).capabilities;
  const settles = capabilities.settlement === "ack";
  const deadLetter = { topic: "tidelane-conformance-dead", maxDeliveries: 2 };
  return {
    capacity: fixture.bounded === true,
    maxInFlight: settles && claims({ maxInFlight: 2 }).maxInFlight === 2,
    // In real time, the harness would have to wait for the deadline.
    ackDeadline:
      fixture.time === "virtual" && claims({ ackDeadlineMs: deadlineMs }).ackDeadlineMs === deadlineMs,
    deadLetter:
      capabilities.requeue &&
      claims({ deadLetter }).deadLetter &&
      fixture.gaps?.["dead-letter"] === undefined,
    ungrouped: fixture.ungrouped !== false,
    groups: capabilities.groups,
  };
}

/** Absent in most histories, so that what needs two of them is not buried under all of them. */
function sometimes<T>(offered: boolean, values: Arbitrary<T>): Arbitrary<T | undefined> {
  if (!offered) return fc.constant(undefined);
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: values },
  );
}

/** What is mixed into the histories on this broker: nothing into some, so that the law has them to itself. */
export function mixtures(subject: Subject): Arbitrary<Mixture> {
  const offers = offersOf(subject);
  const plain: Arbitrary<Mixture> = fc.constant({});
  const mixed: Arbitrary<Mixture> = fc.record({
    capacity: sometimes(offers.capacity, fc.integer({ min: 1, max: 4 })),
    maxInFlight: sometimes(offers.maxInFlight, fc.integer({ min: 1, max: 4 })),
    ackDeadlineMs: sometimes(offers.ackDeadline, fc.constant(deadlineMs)),
    deadLetter: sometimes(
      offers.deadLetter,
      fc.record({
        maxDeliveries: fc.constantFrom(2, 3, 1),
        capacity: sometimes(offers.capacity, fc.integer({ min: 1, max: 2 })),
      }),
    ),
    ungrouped: flag(offers.ungrouped),
    secondGroup: flag(offers.groups),
    secondConnection: flag(true),
  });
  const { time } = subject.fixture;
  // In real time, each group and each connection takes time at the end of a history.
  const weights = time === "virtual" ? { plain: 2, mixed: 3 } : { plain: 3, mixed: 1 };
  return fc.oneof(
    { withCrossShrink: true },
    { weight: weights.plain, arbitrary: plain },
    { weight: weights.mixed, arbitrary: mixed },
  );
}

function flag(offered: boolean): Arbitrary<boolean> {
  return offered ? fc.constantFrom(false, false, true) : fc.constant(false);
}

/** The plain ground with what this history adds. What the law itself asks for stays. */
export function mix(plain: Ground, mixture: Mixture): Ground {
  const main = mainOf(plain);
  if (main === undefined) return withLimits(plain, mixture);
  const { capacity, deadLetter, ungrouped, secondGroup, secondConnection } = mixture;
  const { topic } = main;
  const dead = deadLetter !== undefined && main.options.deadLetter === undefined;
  const topics: Record<string, (typeof plain.topics)[string]> = {
    ...plain.topics,
    ...(capacity === undefined ? {} : { [topic]: { capacity, ...plain.topics[topic] } }),
    ...(dead ? { [topicOfDeadLetters]: roomFor(deadLetter.capacity) } : {}),
  };
  const own = dead ? settingAside(main, deadLetter.maxDeliveries) : main;
  const groups = plain.groups.map((spec) => (spec === main ? own : spec));
  const added: GroupSpec[] = [
    ...(dead ? [{ topic: topicOfDeadLetters, options: { group: "d" } }] : []),
    ...(ungrouped === true ? [{ topic, options: {} }] : []),
    ...(secondGroup === true ? [{ topic, options: { group: "second" } }] : []),
  ];
  const seats = [...plain.seats, ...added.map((_, index) => groups.length + index)];
  const connections = Math.max(plain.connections, secondConnection === true ? 2 : 1);
  return withLimits({ topics, groups: [...groups, ...added], seats, connections }, mixture);
}

function roomFor(capacity: number | undefined): { readonly capacity?: number } {
  return capacity === undefined ? {} : { capacity };
}

/**
 * The group the mixture is about. It has a name and is there from the beginning: a full topic that nobody reads refuses
 * what is published, and only a group with a name is owed something whoever comes and goes.
 */
function mainOf({ groups, seats }: Ground): GroupSpec | undefined {
  return groups.find(
    ({ pattern, options }, index) =>
      pattern !== true && options.group !== undefined && options.retained !== true && seats.includes(index),
  );
}

/** Only one group has a dead letter topic, because two copies of one message there would look the same. */
function settingAside({ topic, options }: GroupSpec, maxDeliveries: number): GroupSpec {
  return { topic, options: { ...options, deadLetter: { topic: topicOfDeadLetters, maxDeliveries } } };
}

function withLimits(ground: Ground, { maxInFlight, ackDeadlineMs }: Mixture): Ground {
  const limits = {
    ...(maxInFlight === undefined ? {} : { maxInFlight }),
    ...(ackDeadlineMs === undefined ? {} : { ackDeadlineMs }),
  };
  const groups = ground.groups.map((spec) => ({ ...spec, options: { ...limits, ...spec.options } }));
  return { ...ground, groups };
}
