import { checkCount } from "../../../traits/arguments.ts";
import type { Capabilities } from "../../../traits/capabilities.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { type NatsOptions, positive } from "../options.ts";
import { checkToken } from "../subject.ts";
import type { ApiSettings } from "./api.ts";
import { checkStreamSettings, type StreamSettings } from "./stream.ts";

export interface JetStreamOptions extends NatsOptions {
  /** The JetStream domain, where the servers have several. */
  readonly domain?: string;
  /** The subject of the API, where an account imports it under another one. @default "$JS.API" */
  readonly apiPrefix?: string;
  /** How long a call of the API may take. @default 5_000 */
  readonly apiTimeoutMs?: number;
}

export function checkApi(options: JetStreamOptions): ApiSettings {
  const { domain, apiPrefix, apiTimeoutMs = 5_000 } = options;
  if (domain !== undefined && apiPrefix !== undefined) {
    const expected = "left out where options.domain is given";
    throw new InvalidArgumentError({ argument: "options.apiPrefix", expected, received: apiPrefix });
  }
  if (domain !== undefined) checkToken("options.domain", domain);
  const prefix = domain === undefined ? (apiPrefix ?? "$JS.API") : `$JS.${domain}.API`;
  for (const token of prefix.split(".")) checkToken("options.apiPrefix", token);
  return { prefix, timeoutMs: positive("options.apiTimeoutMs", apiTimeoutMs) };
}

/** Where a new consumer starts in its stream: at what comes, the first, the last, the last of each subject, or further. */
export type StartPosition =
  | "new"
  | "start"
  | "last"
  | "last-per-subject"
  | { readonly sequence: number }
  | { readonly time: Date };

/** What has to be there when a subscription opens. "check": it is an error where it is not, or where it is different. */
export interface EnsureOptions {
  /** Settings: the stream is created with them where it is missing, and checked against them where it is not. */
  readonly stream?: "check" | StreamSettings;
  /** "create": the durable consumer of a group is created where it is missing. @default "check" */
  readonly consumer?: "check" | "create";
}

export interface JetStreamSubscribeOptions {
  /** @default the one stream that has the subject */
  readonly stream?: string;
  /**
   * The name of a durable consumer: subscriptions of one group share its messages, and it keeps its place when they
   * close. Without it the subscription has a consumer of its own that goes when it closes.
   */
  readonly group?: string;
  readonly ensure?: EnsureOptions;
  /** @default "new" */
  readonly from?: StartPosition;
  /** A delivery unsettled for this long is lost and delivered again; see `keepAlive()`. @default 30_000 */
  readonly ackDeadlineMs?: number;
  /** Deliveries this subscription holds unsettled at most, prefetched ones included. @default 256 */
  readonly maxInFlight?: number;
  /** Of those, how many may wait here to be asked for. @default 64 */
  readonly prefetch?: number;
  /**
   * No other subscription reads from this group. What a reader held that died, or was sent into a connection that was
   * lost, is then taken back at once and comes before anything new, also where it is more than `maxInFlight`: so the
   * order of the stream holds over crashes. Otherwise it comes when its ack deadline has passed, after what was
   * delivered meanwhile. Delays by `nackAfter` end early by it. n.b. two at a time would take each other's deliveries.
   * @default false
   */
  readonly sole?: boolean;
  /** Deliveries all subscriptions of the group hold unsettled at most, delayed ones included. @default the server's: 1000 */
  readonly maxAckPending?: number;
  /** `ack()` resolves when the server has confirmed it, and not when it was sent. @default false */
  readonly confirmAcks?: boolean;
  /** How often the server says that it is there while there is nothing to deliver; it is missed after 2.5 of these. @default 5_000 */
  readonly heartbeatMs?: number;
  /** How long a consumer may be out of reach, over a connection that is up, before the subscription fails. @default 60_000 */
  readonly recoveryMs?: number;
}

/** Options with every default in place; what was not said stays undefined where it matters for a check. */
export interface JetStreamSubscribeSettings {
  readonly stream: string | undefined;
  readonly group: string | undefined;
  readonly ensureStream: "check" | StreamSettings;
  readonly createConsumer: boolean;
  readonly from: StartPosition | undefined;
  readonly ackDeadlineMs: number | undefined;
  readonly maxInFlight: number;
  readonly prefetch: number;
  readonly sole: boolean;
  readonly maxAckPending: number | undefined;
  readonly confirmAcks: boolean;
  readonly heartbeatMs: number;
  readonly recoveryMs: number;
}

export const defaultAckDeadlineMs = 30_000;

export function checkSubscribeOptions(options: JetStreamSubscribeOptions): JetStreamSubscribeSettings {
  const { stream, group, ensure = {}, from, ackDeadlineMs, maxAckPending } = options;
  if (stream !== undefined) checkToken("options.stream", stream);
  if (group !== undefined) checkToken("options.group", group);
  if (from !== undefined) checkStart(from);
  if (ackDeadlineMs !== undefined) positive("options.ackDeadlineMs", ackDeadlineMs);
  if (maxAckPending !== undefined) checkCount("options.maxAckPending", maxAckPending);
  const maxInFlight = checkCount("options.maxInFlight", options.maxInFlight ?? 256);
  return {
    stream,
    group,
    ensureStream: checkEnsureStream(ensure.stream ?? "check", stream),
    createConsumer:
      checkChoice("options.ensure.consumer", ensure.consumer ?? "check", "check", "create") === "create",
    from,
    ackDeadlineMs,
    maxInFlight,
    prefetch: Math.min(maxInFlight, checkCount("options.prefetch", options.prefetch ?? 64)),
    sole: checkSole(options.sole ?? false, group),
    maxAckPending,
    confirmAcks: options.confirmAcks === true,
    heartbeatMs: checkHeartbeat(options.heartbeatMs ?? 5_000),
    recoveryMs: positive("options.recoveryMs", options.recoveryMs ?? 60_000),
  };
}

function checkEnsureStream(
  ensure: "check" | StreamSettings,
  stream: string | undefined,
): "check" | StreamSettings {
  if (typeof ensure === "string") return checkChoice("options.ensure.stream", ensure, "check");
  checkStreamSettings("options.ensure.stream", ensure);
  if (stream !== undefined) return ensure;
  const expected = "the name of the stream that options.ensure.stream describes";
  throw new InvalidArgumentError({ argument: "options.stream", expected, received: stream });
}

function checkSole(sole: boolean, group: string | undefined): boolean {
  if (!sole || group !== undefined) return sole === true;
  const expected = "left out without a group, where nobody else can read";
  throw new InvalidArgumentError({ argument: "options.sole", expected, received: sole });
}

function checkStart(from: StartPosition): void {
  if (typeof from === "string") {
    checkChoice("options.from", from, "new", "start", "last", "last-per-subject");
    return;
  }
  if (typeof from === "object" && from !== null) {
    if ("sequence" in from) {
      checkCount("options.from.sequence", from.sequence);
      return;
    }
    if (from.time instanceof Date && Number.isFinite(from.time.getTime())) return;
  }
  const expected = '"new", "start", "last", "last-per-subject", { sequence } or { time: Date }';
  throw new InvalidArgumentError({ argument: "options.from", expected, received: from });
}

/** n.b. the server refuses heartbeats of less than 100 ms, and of more than half of what a request lives. */
function checkHeartbeat(heartbeatMs: number): number {
  positive("options.heartbeatMs", heartbeatMs);
  if (heartbeatMs >= 100 && heartbeatMs <= 15_000) return heartbeatMs;
  const expected = "100 to 15000 milliseconds";
  throw new InvalidArgumentError({ argument: "options.heartbeatMs", expected, received: heartbeatMs });
}

function checkChoice<T extends string>(argument: string, value: T, ...choices: readonly T[]): T {
  if (choices.includes(value)) return value;
  const quoted = choices.map((choice) => `"${choice}"`);
  const last = quoted.pop();
  const expected = quoted.length === 0 ? `${last}` : `${quoted.join(", ")} or ${last}`;
  throw new InvalidArgumentError({ argument, expected, received: value });
}

/** What a subscription with these settings promises; `ackDeadlineMs` as the consumer has it, once that is known. */
export function capabilitiesOf(settings: JetStreamSubscribeSettings, ackDeadlineMs?: number): Capabilities {
  return {
    settlement: "ack",
    requeue: true,
    delayedRequeue: "native",
    deliveryCount: "broker",
    order: "topic",
    partitionKey: true,
    groups: true,
    backlog: settings.from !== undefined && settings.from !== "new",
    ackDeadlineMs: ackDeadlineMs ?? settings.ackDeadlineMs ?? defaultAckDeadlineMs,
    maxInFlight: settings.maxInFlight,
    deadLetter: false,
    batches: true,
    seek: settings.group === undefined || settings.createConsumer,
    pause: true,
  };
}
