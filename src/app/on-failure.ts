import {
  type Backoff,
  type CheckedPolicy,
  checkNoReturn,
  checkPolicy,
  checkPolicyFits,
  type FailurePolicy,
} from "../runtime/failure-policy.ts";
import { checkName, checkObject } from "../traits/arguments.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import { InvalidArgumentError, isTidelaneError } from "../traits/errors.ts";
import { checkOptionNames, optionNames } from "../traits/option-names.ts";
import type { Publisher } from "../traits/publisher.ts";
import type { Subscriber } from "../traits/subscriber.ts";
import { type Channel, isChannel, templateOf } from "./channel.ts";

/**
 * Where dead letters go: a topic or a channel, on the broker that the message came from; a topic on another broker
 * of the app; `"broker"`, if the broker dead-letters dropped messages; or `"drop"`.
 */
export type DeadLetterPlace = string | Channel | { readonly topic: string; readonly on: string };

interface Retries {
  /**
   * "in-place": the handler runs again here, and its key waits, so the order survives. "redeliver": the message is
   * requeued, and later messages of the key overtake it. @default "in-place"
   */
  readonly mode?: "in-place" | "redeliver";
  /** How long to wait before each retry. */
  readonly backoff?: Backoff;
}

/**
 * What happens when a handler throws or asks for a retry. By default it runs again until it succeeds, so nothing is
 * lost. What a handler leaves out comes from its router, and what the router leaves out from the app.
 */
export type OnFailure<Place extends DeadLetterPlace = DeadLetterPlace> = Retries &
  (
    | { readonly maxAttempts?: undefined; readonly deadLetter?: Place }
    | { readonly maxAttempts: number; readonly deadLetter: Place }
  );

/** No place of its own: what the router says. */
export interface Inherited {
  readonly topic: "inherited";
  readonly on: never;
}

/** Whether `deadLetter()` has a place to go, given that of the handler and that of its router. */
export type HasPlace<Place, Outer extends boolean> = [Place] extends [Inherited]
  ? Outer
  : Place extends "drop"
    ? false
    : true;

/** As it was given, at any level. */
export interface GivenOnFailure extends Retries {
  readonly maxAttempts?: number | undefined;
  readonly deadLetter?: DeadLetterPlace | undefined;
}

const names = optionNames<GivenOnFailure>()({
  mode: true,
  backoff: optionNames<Backoff>()({ initialMs: true, factor: true, maxMs: true, jitter: true }),
  maxAttempts: true,
  // A channel is an object with names of its own.
  deadLetter: true,
});

/** `inner` over `outer`, checked for its names only: what it says is checked with the whole. */
export function mergeOnFailure(
  call: string,
  outer: GivenOnFailure | undefined,
  inner: GivenOnFailure | undefined,
): GivenOnFailure | undefined {
  if (inner === undefined) return outer;
  checkObject(`${call}: onFailure`, inner);
  checkOptionNames(call, { onFailure: inner }, { onFailure: names });
  return { ...outer, ...inner };
}

/** A place for dead letters by names. */
export interface NamedPlace {
  readonly topic: string;
  /** Of the app; undefined: where the message came from. */
  readonly on: string | undefined;
}

/** The topic dead letters go to; undefined where there is none, or the broker or nobody has them. */
export function placeOf(
  call: string,
  { deadLetter }: GivenOnFailure,
  prefix: string,
): NamedPlace | undefined {
  if (deadLetter === undefined || deadLetter === "broker" || deadLetter === "drop") return undefined;
  const argument = `${call}: onFailure.deadLetter`;
  if (typeof deadLetter === "string") return { topic: prefix + deadLetter, on: undefined };
  checkObject(argument, deadLetter, places);
  if (!isChannel(deadLetter)) return elsewhere(call, argument, deadLetter as NamedPlace, prefix);
  const template = templateOf(argument, deadLetter as Channel);
  if (template.params.length === 0) return { topic: prefix + template.text, on: undefined };
  const expected = "a channel without parameters: the topic of dead letters is one topic";
  throw new InvalidArgumentError({ argument, expected, received: template.text });
}

const places = 'a topic, a channel, { topic, on }, "broker" or "drop"';
const placeNames = optionNames<NamedPlace>()({ topic: true, on: true });

function elsewhere(call: string, argument: string, given: NamedPlace, prefix: string): NamedPlace {
  if (!("topic" in given) || "request" in given) {
    throw new InvalidArgumentError({ argument, expected: places, received: given });
  }
  checkOptionNames(call, { onFailure: { deadLetter: given } }, { onFailure: { deadLetter: placeNames } });
  if (typeof given.on !== "string") {
    const expected = "the name of a broker of the app; for the message's own, give the topic alone";
    throw new InvalidArgumentError({ argument: `${argument}.on`, expected, received: given.on });
  }
  return { topic: prefix + checkName(`${argument}.topic`, given.topic), on: given.on };
}

/**
 * The policy of one subscription, checked with everything it has from its router. What is wrong is said of the subscription,
 * in the words of an app.
 */
export function checkOnFailure(
  call: string,
  onFailure: GivenOnFailure,
  place: NamedPlace | undefined,
  capabilities: Capabilities,
  publisher: Publisher = unsent,
  subscriber?: Subscriber,
): CheckedPolicy {
  const { maxAttempts, deadLetter } = onFailure;
  if (maxAttempts !== undefined && deadLetter === undefined) {
    const expected = `${places} where maxAttempts is given: it says what comes after the last attempt`;
    throw new InvalidArgumentError({
      argument: `${call}: onFailure.deadLetter`,
      expected,
      received: deadLetter,
    });
  }
  try {
    const policy = checkPolicy(policyOf(onFailure, place, place && publisher));
    checkPolicyFits(policy, capabilities);
    if (subscriber !== undefined) checkNoReturn(policy, subscriber);
    return policy;
  } catch (error) {
    if (!isTidelaneError(error, "TIDELANE_INVALID_ARGUMENT")) throw error;
    const { argument, expected } = error as InvalidArgumentError;
    const path = argument.replace("onFailure: ", "");
    throw new InvalidArgumentError({
      argument: `${call}: onFailure.${path}`,
      expected: expected.replace("{ topic, publisher }", "a topic or a channel"),
      received: path.split(".").reduce<unknown>(valueAt, onFailure),
    });
  }
}

function valueAt(object: unknown, name: string): unknown {
  return (object as Readonly<Record<string, unknown>> | undefined)?.[name];
}

/** Stands for a publisher where a policy is only checked. */
const unsent = { publish: async () => undefined } as unknown as Publisher;

/** The policy of a pipeline, with the publisher of the broker its dead letters go to. */
export function policyOf(
  { deadLetter, ...rest }: GivenOnFailure,
  place: NamedPlace | undefined,
  publisher: Publisher | undefined,
): FailurePolicy {
  const target = place && publisher ? { topic: place.topic, publisher } : deadLetter;
  // The pipeline checks what is in it: the types of two levels merged cannot say it any more.
  return { ...rest, ...(target === undefined ? {} : { deadLetter: target }) } as FailurePolicy;
}
