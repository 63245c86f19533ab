import type { CheckedPolicy } from "../runtime/failure-policy.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import type { AppDefinition, SubscriptionPlan } from "./definition.ts";
import { checkOnFailure, type NamedPlace } from "./on-failure.ts";

/** What one subscription does, and what it promises. */
export interface SubscriptionDescription {
  /** The topic, with its prefix and its parameters. */
  readonly topic: string;
  readonly broker: string;
  readonly group: string | undefined;
  readonly workers: number;
  /**
   * The most messages that its handler gets at once; `undefined` without batches. With batches, `workers` counts
   * batches.
   */
  readonly batch: number | undefined;
  /** Whether it answers requests. */
  readonly responds: boolean;
  /** What happens when the handler throws, in a sentence. */
  readonly onFailure: string;
  /** What happens when the process dies, in a sentence. */
  readonly onCrash: string;
  /** What happens when a payload does not decode, in a sentence. */
  readonly onUndecodable: string;
  /** Which messages are handled in order, and what may break that order. */
  readonly order: string;
}

/** What an app does, and what it promises. */
export interface AppDescription {
  readonly name: string;
  readonly version: string | undefined;
  /** The names of its brokers. */
  readonly brokers: readonly string[];
  readonly subscriptions: readonly SubscriptionDescription[];
}

export function describe(definition: AppDefinition): AppDescription {
  const { name, version, brokers, subscriptions } = definition;
  return { name, version, brokers: [...brokers.keys()], subscriptions: subscriptions.map(describePlan) };
}

function describePlan(plan: SubscriptionPlan): SubscriptionDescription {
  const { call, template, broker, group, workers, rpc, source, onFailure, deadLetters } = plan;
  const { capabilities } = source;
  const policy = checkOnFailure(call, onFailure, deadLetters, capabilities);
  return {
    topic: template.text,
    broker,
    group,
    workers,
    batch: plan.batch?.max,
    responds: rpc !== undefined,
    onFailure: rpc ? "The requester gets the error; nothing is retried." : onThrow(policy, deadLetters),
    onCrash: onCrash(capabilities),
    onUndecodable: rpc
      ? "The requester gets the error."
      : `The message is ${setAside(policy, deadLetters) ?? "dropped"}, at once, with an error event.`,
    order: order(plan, policy, capabilities),
  };
}

function onThrow(
  { mode, backoff, maxAttempts, ...policy }: CheckedPolicy,
  place: NamedPlace | undefined,
): string {
  const where = mode === "in-place" ? "It runs again here" : "It goes back to the broker and comes again";
  const delay = `after ${backoff.initialMs} ms, and longer each time up to ${backoff.maxMs} ms`;
  if (!Number.isFinite(maxAttempts)) return `${where} ${delay}, without end.`;
  const last = setAside({ mode, backoff, maxAttempts, ...policy }, place) ?? "dropped";
  return `${where} ${delay}; after attempt ${maxAttempts} it is ${last}.`;
}

function setAside({ deadLetter }: CheckedPolicy, place: NamedPlace | undefined): string | undefined {
  if (deadLetter === "broker") return "dropped, and the broker sets it aside";
  if (place === undefined) return undefined;
  return `published to "${place.topic}"${place.on === undefined ? "" : ` on "${place.on}"`}, then acked`;
}

function onCrash({ settlement, ackDeadlineMs }: Capabilities): string {
  if (settlement === "none") return "What was in flight is lost: the broker has no acknowledgements.";
  const when = ackDeadlineMs === undefined ? "" : `, at the latest ${ackDeadlineMs} ms later`;
  return `What was not acked is delivered again${when}: a handler may see a message twice.`;
}

const scopes: Readonly<Record<Capabilities["order"], string>> = {
  topic: "as they were published",
  partition: "as they were published, within a partition",
  publisher: "as each publisher sent them",
  none: "in no order the broker promises",
};

function order(
  { channel, batch, ...plan }: SubscriptionPlan,
  policy: CheckedPolicy,
  of: Capabilities,
): string {
  const workers = plan.workers * (batch?.max ?? 1);
  const free = `up to ${workers} messages are handled at once, without order`;
  const keyed =
    channel.key !== undefined ? "Messages of one key are" : "Messages that carry the same key are";
  const whose = workers === 1 ? "Messages are" : keyed;
  if (workers > 1 && channel.key === undefined && !of.partitionKey) return `Up${free.slice(2)}.`;
  const first = `${whose} handled one after another, ${scopes[of.order]}`;
  const retried =
    policy.mode === "in-place"
      ? "a retry keeps their order"
      : "one that is retried comes after those behind it";
  const takenBack =
    of.settlement === "none" ? "" : ", and one that the broker takes back may come after them";
  const keyless =
    workers > 1 && channel.key === undefined ? ` The channel has no key: without one, ${free}.` : "";
  return `${first}; ${retried}${takenBack}.${keyless}`;
}
