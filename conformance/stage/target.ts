import type { SubscriptionSource } from "../../src/traits/index.ts";
import type { SourceOptions } from "../fixture.ts";
import type { Target } from "../model/records.ts";
import type { Stage } from "./stage.ts";
import type { GroupSpec } from "./subscriber-actor.ts";

/** The source a step opens, and what the ledger is to expect of it. */
export function aim(stage: Stage, spec: GroupSpec): { source: SubscriptionSource; target: Target } {
  const { fixture } = stage.subject;
  const options = resolve(stage, spec.options);
  if (spec.pattern !== true) {
    const topic = stage.topic(spec.topic);
    const target = { label: spec.topic, pattern: false, covers: (other: string) => other === topic };
    return { source: fixture.source(topic, options), target };
  }
  const { patterns } = fixture;
  if (patterns === undefined || fixture.patternSource === undefined) {
    throw new Error("a history with a pattern, on a broker without");
  }
  const tokens = spec.topic.split(".").map((token) => {
    if (token === "*") return patterns.one;
    return token === ">" ? (patterns.rest ?? patterns.one) : token;
  });
  const covered = new Set(
    Object.keys(stage.topics).flatMap((label) => (matches(spec.topic, label) ? [stage.topic(label)] : [])),
  );
  const target = { label: spec.topic, pattern: true, covers: (topic: string) => covered.has(topic) };
  const pattern = [stage.base, ...tokens].join(patterns.separator);
  return { source: fixture.patternSource(pattern, options), target };
}

/** The options with the topic of dead letters by its full name. */
export function resolve(stage: Stage, options: SourceOptions): SourceOptions {
  const { deadLetter } = options;
  if (deadLetter === undefined) return options;
  return { ...options, deadLetter: { ...deadLetter, topic: stage.topic(deadLetter.topic) } };
}

/** `, maxInFlight 2, ackDeadlineMs 1000` */
export function describeOptions({ maxInFlight, ackDeadlineMs, deadLetter, retained }: SourceOptions): string {
  const times =
    deadLetter?.maxDeliveries === undefined ? "" : ` after ${deadLetter.maxDeliveries} deliveries`;
  return [
    maxInFlight === undefined ? "" : `, maxInFlight ${maxInFlight}`,
    ackDeadlineMs === undefined ? "" : `, ackDeadlineMs ${ackDeadlineMs}`,
    deadLetter === undefined ? "" : `, dead letters to ${deadLetter.topic}${times}`,
    retained === true ? ", retained" : "",
  ].join("");
}

function matches(pattern: string, label: string): boolean {
  const wanted = pattern.split(".");
  const tokens = label.split(".");
  const rest = wanted.at(-1) === ">";
  if (rest ? tokens.length < wanted.length : tokens.length !== wanted.length) return false;
  return wanted.every((token, index) => token === "*" || token === ">" || token === tokens[index]);
}
