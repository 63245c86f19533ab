import { checkCount, checkObject } from "../../traits/arguments.ts";
import { InvalidArgumentError } from "../../traits/errors.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../../traits/option-names.ts";
import type { PublishOptions } from "../../traits/publisher.ts";
import { checkPattern } from "../nats/message/subject.ts";
import { checkToken, type NatsOptions, natsOptionNames, positive } from "../nats/options.ts";
import type { ApiSettings } from "./client.ts";

/** Options of `new JetStreamBroker(options)`: those of `NatsOptions`, and these. */
export interface JetStreamOptions extends NatsOptions {
  /** The JetStream domain, if the servers have several. */
  readonly domain?: string;
  /** The subject of the API, if the account imports it under another one. @default "$JS.API" */
  readonly apiPrefix?: string;
  /** How long a call of the API may take, in milliseconds. @default 5_000 */
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

/**
 * The settings of a stream, for `createStream(name, settings)` and for `create`. If the stream is missing, it gets
 * the server's defaults for what you leave out. If it exists, tidelane checks only what you give.
 */
export interface StreamSettings {
  /**
   * The subjects that the stream stores; patterns too. @default the subject of the subscription, or the stream's
   * name
   */
  readonly subjects?: readonly string[];
  /** `"add"`: if the stream exists, tidelane adds the subjects that it lacks, and changes nothing else. */
  readonly update?: "add";
  /** Where the stream stores messages. @default "file" */
  readonly storage?: "file" | "memory";
  /**
   * What the stream keeps: everything up to its limits, what some consumer has yet to ack, or what nobody has
   * acked. @default "limits"
   */
  readonly retention?: "limits" | "interest" | "workqueue";
  /** What the stream does at a limit: `"old"` drops the oldest message, `"new"` refuses the new one. @default "old" */
  readonly discard?: "old" | "new";
  /** The most messages that the stream keeps. */
  readonly maxMessages?: number;
  /** The most messages that it keeps of one subject. */
  readonly maxMessagesPerSubject?: number;
  /** The most bytes that it keeps. */
  readonly maxBytes?: number;
  /** The largest message that it takes, in bytes. */
  readonly maxMessageBytes?: number;
  /** How long it keeps a message, in milliseconds. */
  readonly maxAgeMs?: number;
  /**
   * The window, in milliseconds, in which the stream drops a second message with the same id. @default the
   * server's: two minutes
   */
  readonly duplicateWindowMs?: number;
  /** How many servers of a cluster store a copy. @default 1 */
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

/**
 * Where a new consumer starts: with messages stored from now on, with the first, the last, the last of each
 * subject, a sequence number, or a time.
 */
export type StartPosition =
  | "new"
  | "start"
  | "last"
  | "last-per-subject"
  | { readonly sequence: number }
  | { readonly time: Date };

/** Options of `jetStreamSource(subject, options)` and of `connection.subscribe(subject, options)` on streams. */
export interface JetStreamSubscribeOptions {
  /**
   * The stream to read from. @default the one stream that has the subject; for one to create, the subject's tokens
   * with "-" between them, `any` for `*` and `all` for `>`
   */
  readonly stream?: string;
  /**
   * The name of a durable consumer. Subscriptions of one group share its messages, and it keeps its position when
   * they close. If it is missing, tidelane creates it. If it exists with other settings than you name here, the
   * subscription fails. Without a group the subscription has its own consumer, which tidelane deletes when it
   * closes.
   */
  readonly group?: string;
  /**
   * What to do if no stream has the subject. `false`: the subscription fails. `true`: tidelane creates a stream
   * that stores the subject. Settings: tidelane creates the stream with them, or checks the one that exists.
   * @default false
   */
  readonly create?: boolean | StreamSettings;
  /** Where a new consumer starts. @default "start" with a group, "new" without */
  readonly from?: StartPosition;
  /**
   * How long, in milliseconds, a delivery may stay unsettled. Then it is revoked, and the server delivers it again.
   * `keepAlive()` starts the time afresh. @default 30_000
   */
  readonly ackDeadlineMs?: number;
  /** The most deliveries that this subscription holds unsettled, prefetched ones included. @default 256 */
  readonly maxInFlight?: number;
  /** How many of those may wait here before you take them; at most `maxInFlight`. @default 64 */
  readonly prefetch?: number;
  /**
   * Says that no other subscription reads from this group. Then tidelane requeues at once what a dead reader held,
   * or what a lost connection swallowed, and delivers it before anything new, even beyond `maxInFlight`. So the
   * order of the stream holds over crashes. Without `sole`, those messages come after their ack deadline, behind
   * later ones. This also ends delays of `nackAfter` early. Two subscriptions with `sole` would take each other's
   * deliveries. @default false
   */
  readonly sole?: boolean;
  /**
   * The most deliveries that all subscriptions of the group hold unsettled, delayed ones included. @default the
   * server's: 1000
   */
  readonly maxAckPending?: number;
  /** `true`: `ack()` resolves when the server has confirmed it. `false`: when it is on its way. @default false */
  readonly confirmAcks?: boolean;
  /**
   * How often the server sends a heartbeat while it has nothing to deliver, in milliseconds: 100 to 15,000.
   * tidelane misses it after 2.5 of these. @default 5_000
   */
  readonly heartbeatMs?: number;
  /**
   * How long, in milliseconds, the consumer may be out of reach while the connection is up. Then the subscription
   * fails. @default 60_000
   */
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
  const expected = "left out without a group, because then nobody else reads";
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

/** Options of `connection.publisher(options)` on streams. */
export interface JetStreamPublisherOptions {
  /** The most messages that wait for their confirmation. Further ones are not sent yet. @default 4_096 */
  readonly maxOutstanding?: number;
  /**
   * Gives an id to every message that has none. If the connection was lost before the confirmation, or no stream
   * was there, tidelane sends the message again, within `publishTimeoutMs`. The stream stores each id once within
   * its duplicate window. @default false
   */
  readonly resend?: boolean;
  /**
   * The header that carries the key. Other programs may read another one: RustStream's crate for NATS reads
   * `"nats-partition-key"`. @default "partition-key"
   */
  readonly keyHeader?: string;
}

export const publisherOptionNames: OptionNames = optionNames<JetStreamPublisherOptions>()({
  maxOutstanding: true,
  resend: true,
  keyHeader: true,
});

/** Conditions for one message. The stream stores it only if all of them hold; otherwise `publish` rejects. */
export interface Expectation {
  /** The name of the stream. */
  readonly stream?: string;
  /** The sequence of the stream's last message; 0 for none. */
  readonly lastSequence?: number;
  /** The sequence of the subject's last message; 0 for none. */
  readonly lastSubjectSequence?: number;
  /** The id of the stream's last message. */
  readonly lastMessageId?: string;
}

/** Options of `publish(message, options)` on streams. */
export interface JetStreamPublishOptions extends PublishOptions {
  /**
   * An id for the message. If the stream has stored this id within its duplicate window, it does not store the
   * message again, and `publish` resolves.
   */
  readonly messageId?: string;
  /** Conditions under which the stream stores the message. */
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
