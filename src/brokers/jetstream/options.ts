import { checkCount, checkObject } from "../../traits/arguments.ts";
import { InvalidArgumentError } from "../../traits/errors.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../../traits/option-names.ts";
import type { PublishOptions } from "../../traits/publisher.ts";
import { checkPattern } from "../nats/message/subject.ts";
import { checkToken, type NatsOptions, natsOptionNames, positive } from "../nats/options.ts";
import type { ApiSettings } from "./client.ts";

export interface JetStreamOptions extends NatsOptions {
  /** The JetStream domain, where the servers have several. */
  readonly domain?: string;
  /** The subject of the API, where an account imports it under another one. @default "$JS.API" */
  readonly apiPrefix?: string;
  /** How long a call of the API may take. @default 5_000 */
  readonly apiTimeoutMs?: number;
}

export const jetStreamOptionNames: OptionNames = {
  ...natsOptionNames,
  ...optionNames<Omit<JetStreamOptions, keyof NatsOptions>>()({
    domain: true,
    apiPrefix: true,
    apiTimeoutMs: true,
  }),
};

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

/** A stream to create where it is missing. What is left out is the server's default, and is not checked. */
export interface StreamSettings {
  /** What the stream stores, patterns too. @default the subject of the subscription, or the stream's name */
  readonly subjects?: readonly string[];
  /** `"add"`: a stream that is there gets the subjects it lacks; nothing else of it is changed. */
  readonly update?: "add";
  /** @default "file" */
  readonly storage?: "file" | "memory";
  /** @default "limits" */
  readonly retention?: "limits" | "interest" | "workqueue";
  /** What goes when a limit is reached: the oldest message, or the new one, which is refused then. @default "old" */
  readonly discard?: "old" | "new";
  readonly maxMessages?: number;
  readonly maxMessagesPerSubject?: number;
  readonly maxBytes?: number;
  readonly maxMessageBytes?: number;
  readonly maxAgeMs?: number;
  /** Within it a second message of the same id is dropped. @default the server's: two minutes */
  readonly duplicateWindowMs?: number;
  /** @default 1 */
  readonly replicas?: number;
}

export const streamNames: OptionNames = optionNames<StreamSettings>()({
  subjects: true,
  update: true,
  storage: true,
  retention: true,
  discard: true,
  maxMessages: true,
  maxMessagesPerSubject: true,
  maxBytes: true,
  maxMessageBytes: true,
  maxAgeMs: true,
  duplicateWindowMs: true,
  replicas: true,
});

/** Where a new consumer starts in its stream: at what comes, the first, the last, the last of each subject, or further. */
export type StartPosition =
  | "new"
  | "start"
  | "last"
  | "last-per-subject"
  | { readonly sequence: number }
  | { readonly time: Date };

export interface JetStreamSubscribeOptions {
  /**
   * @default the one stream that has the subject; for one to create, the subject's tokens with "-" between them, `any` for
   * `*` and `all` for `>`
   */
  readonly stream?: string;
  /**
   * The name of a durable consumer: subscriptions of one group share its messages, and it keeps its place when they
   * close. It is created where it is missing. Without a group the subscription has a consumer of its own that goes when
   * it closes.
   */
  readonly group?: string;
  /**
   * What to do where no stream has the subject. `false`: the subscription fails, and says so. `true`: it creates one
   * that stores the subject. Settings: it creates the stream with them, or checks one that is there. @default false
   */
  readonly create?: boolean | StreamSettings;
  /** Where a new consumer starts. @default "start" with a group, "new" without */
  readonly from?: StartPosition;
  /** A delivery unsettled for this long is revoked and delivered again; see `keepAlive()`. @default 30_000 */
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
  readonly create: false | StreamSettings;
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

/** Where a new consumer starts if nothing is said: a group misses nothing that is there. */
export function startOfNew({
  from,
  group,
}: Pick<JetStreamSubscribeSettings, "from" | "group">): StartPosition {
  return from ?? (group === undefined ? "new" : "start");
}

const subscribeNames = optionNames<JetStreamSubscribeOptions>()({
  stream: true,
  group: true,
  create: streamNames,
  from: true,
  ackDeadlineMs: true,
  maxInFlight: true,
  prefetch: true,
  sole: true,
  maxAckPending: true,
  confirmAcks: true,
  heartbeatMs: true,
  recoveryMs: true,
});

/** `call`: as the caller wrote it. */
export function checkSubscribeOptions(
  call: string,
  options: JetStreamSubscribeOptions,
): JetStreamSubscribeSettings {
  checkOptionNames(call, options, subscribeNames);
  const { stream, group, from, ackDeadlineMs, maxAckPending } = options;
  if (stream !== undefined) checkToken("options.stream", stream);
  if (group !== undefined) checkToken("options.group", group);
  if (from !== undefined) checkStart(from);
  if (ackDeadlineMs !== undefined) positive("options.ackDeadlineMs", ackDeadlineMs);
  if (maxAckPending !== undefined) checkCount("options.maxAckPending", maxAckPending);
  const maxInFlight = checkCount("options.maxInFlight", options.maxInFlight ?? 256);
  return {
    stream,
    group,
    create: checkCreate(options.create ?? false),
    from,
    ackDeadlineMs,
    maxInFlight,
    prefetch: checkPrefetch(options.prefetch, maxInFlight),
    sole: checkSole(options.sole ?? false, group),
    maxAckPending,
    confirmAcks: options.confirmAcks === true,
    heartbeatMs: checkHeartbeat(options.heartbeatMs ?? 5_000),
    recoveryMs: positive("options.recoveryMs", options.recoveryMs ?? 60_000),
  };
}

function checkCreate(create: boolean | StreamSettings): false | StreamSettings {
  if (typeof create === "boolean") return create ? {} : false;
  checkObject("options.create", create, "false, true, or an object with settings of the stream");
  checkStreamSettings("options.create", create);
  return create;
}

function checkPrefetch(prefetch: number | undefined, maxInFlight: number): number {
  if (prefetch === undefined) return Math.min(maxInFlight, 64);
  if (checkCount("options.prefetch", prefetch) <= maxInFlight) return prefetch;
  const expected = `${maxInFlight} at most, as options.maxInFlight bounds prefetched deliveries too`;
  throw new InvalidArgumentError({ argument: "options.prefetch", expected, received: prefetch });
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

/** The server refuses heartbeats below 100 ms, and above half the time after which a pull request expires. */
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

/** `argument` names where they were given. Unknown names are refused before, with those of what they are part of. */
export function checkStreamSettings(argument: string, settings: StreamSettings): void {
  checkObject(argument, settings, "an object with settings of a stream");
  const { subjects, update } = settings;
  if (subjects !== undefined && (!Array.isArray(subjects) || subjects.length === 0)) {
    const expected = "a list of one subject or more";
    throw new InvalidArgumentError({ argument: `${argument}.subjects`, expected, received: subjects });
  }
  for (const subject of subjects ?? []) checkPattern(`${argument}.subjects`, subject);
  if (update !== undefined && update !== "add") {
    const expected = '"add", or left out';
    throw new InvalidArgumentError({ argument: `${argument}.update`, expected, received: update });
  }
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    if (name.endsWith("Ms")) positive(`${argument}.${name}`, value);
    else if (typeof value === "number") checkCount(`${argument}.${name}`, value);
  }
}

export interface JetStreamPublisherOptions {
  /** Messages on their way to be confirmed; further ones wait. @default 4_096 */
  readonly maxOutstanding?: number;
  /**
   * Every message without an id gets one, and is sent again when the connection was lost before it was confirmed, or no
   * stream was there: within `publishTimeoutMs`, and the stream's window for duplicates, each is stored once.
   * @default false
   */
  readonly resend?: boolean;
  /**
   * The header a message's key travels in. Neighbours may read another one: RustStream's crate for NATS reads
   * `"nats-partition-key"`. @default "partition-key"
   */
  readonly keyHeader?: string;
}

export const publisherOptionNames: OptionNames = optionNames<JetStreamPublisherOptions>()({
  maxOutstanding: true,
  resend: true,
  keyHeader: true,
});

/** What has to be so for a message to be stored; otherwise its publish rejects, and it is not. */
export interface Expectation {
  readonly stream?: string;
  /** The sequence of the last message of the stream; 0 for none. */
  readonly lastSequence?: number;
  /** The same among the messages of its subject. */
  readonly lastSubjectSequence?: number;
  readonly lastMessageId?: string;
}

export interface JetStreamPublishOptions extends PublishOptions {
  /** A second message of this id within the stream's window is not stored, and its publish resolves. */
  readonly messageId?: string;
  readonly expect?: Expectation;
}

export const publishOptionNames: OptionNames = optionNames<JetStreamPublishOptions>()({
  signal: true,
  messageId: true,
  expect: optionNames<Expectation>()({
    stream: true,
    lastSequence: true,
    lastSubjectSequence: true,
    lastMessageId: true,
  }),
});
