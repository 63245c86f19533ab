import { type CheckedPolicy, checkPolicy } from "../runtime/failure-policy.ts";
import type { Capabilities } from "../traits/capabilities.ts";
import type { Publisher } from "../traits/publisher.ts";
import type { AppDefinition, SubscriptionPlan } from "./definition.ts";
import { type NamedPlace, policyOf } from "./on-failure.ts";

/** What one subscription does, and what it promises. */
export interface SubscriptionDescription {
  /** With its prefix and parameters. */
  readonly topic: string;
  readonly broker: string;
  readonly group: string | undefined;
  readonly workers: number;
  /** Whether it answers requests. */
  readonly responds: boolean;
  /** A sentence each: what happens when the handler throws, when the process dies, and when a payload does not decode. */
  readonly onFailure: string;
  readonly onCrash: string;
  readonly onUndecodable: string;
  /** Which messages are handled in order, and what may break it. */
  readonly order: string;
}

export interface AppDescription {
  readonly name: string;
  readonly version: string | undefined;
  /** By the name each has in the app. */
  readonly brokers: readonly string[];
  readonly subscriptions: readonly SubscriptionDescription[];
}

export function describe(definition: AppDefinition): AppDescription {
  const { name, version, brokers, subscriptions } = definition;
  return { name, version, brokers: [...brokers.keys()], subscriptions: subscriptions.map(describePlan) };
}

function describePlan(plan: SubscriptionPlan): SubscriptionDescription {
  const { template, broker, group, workers, rpc, source, onFailure, deadLetters } = plan;
  const policy = checkPolicy(policyOf(onFailure, deadLetters, deadLetters && unsent));
  const { capabilities } = source;
  return {
    topic: template.text,
    broker,
    group,
    workers,
    responds: rpc !== undefined,
    onFailure: rpc ? "The requester gets the error; nothing is retried." : onThrow(policy, deadLetters),
    onCrash: onCrash(capabilities),
    onUndecodable: rpc
      ? "The requester gets the error."
      : `The message is ${setAside(policy, deadLetters) ?? "dropped"}, at once, with an error event.`,
    order: order(plan, policy, capabilities),
  };
}

const unsent = { publish: async () => undefined } as unknown as Publisher;

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

function order({ channel, workers }: SubscriptionPlan, policy: CheckedPolicy, of: Capabilities): string {
  const keyed = channel.key !== undefined || of.partitionKey;
  const whose = workers === 1 ? "Messages are" : keyed ? "Messages of one key are" : undefined;
  if (whose === undefined) return `Up to ${workers} messages are handled at once, without order.`;
  const first = `${whose} handled one after another, ${scopes[of.order]}`;
  const retried =
    policy.mode === "in-place"
      ? "a retry keeps their order"
      : "one that is retried comes after those behind it";
  const takenBack =
    of.settlement === "none" ? "" : ", and one that the broker takes back may come after them";
  return `${first}; ${retried}${takenBack}.`;
}
