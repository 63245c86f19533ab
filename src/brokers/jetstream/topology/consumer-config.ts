import { InvalidArgumentError } from "../../../traits/errors.ts";
import {
  defaultAckDeadlineMs,
  type JetStreamSubscribeSettings,
  type StartPosition,
  startOfNew,
} from "../options.ts";

/** A consumer's configuration in the API. Times are nanoseconds. */
export interface ConsumerConfig {
  readonly name?: string;
  readonly durable_name?: string;
  readonly description?: string;
  readonly deliver_policy?: string;
  readonly opt_start_seq?: number;
  readonly opt_start_time?: string;
  readonly ack_policy?: string;
  readonly ack_wait?: number;
  readonly filter_subject?: string;
  readonly filter_subjects?: readonly string[];
  readonly max_ack_pending?: number;
  readonly inactive_threshold?: number;
  /** Waits before the second, third, ... delivery, in place of `ack_wait`. */
  readonly backoff?: readonly number[];
  /** The most one request may ask for. */
  readonly max_batch?: number;
  readonly max_expires?: number;
  /** Of a push consumer. */
  readonly deliver_subject?: string;
}

export interface ConsumerInfo {
  readonly name: string;
  readonly config: ConsumerConfig;
  readonly delivered: { readonly stream_seq: number; readonly consumer_seq?: number };
  /** Everything up to it is settled. */
  readonly ack_floor?: { readonly stream_seq: number };
  /** Delivered and not settled, whoever has it. */
  readonly num_ack_pending?: number;
}

/** A consumer without a group is forgotten by the server when nobody has asked it for anything for this long. */
const forgottenMs = 5 * 60_000;

/** The consumer these settings describe. */
export function configOf(
  settings: JetStreamSubscribeSettings,
  filter: string,
  name: string,
  from: StartPosition = startOfNew(settings),
): ConsumerConfig {
  const { group, ackDeadlineMs = defaultAckDeadlineMs, maxAckPending } = settings;
  return {
    name,
    ...(group === undefined ? { inactive_threshold: forgottenMs * 1e6 } : { durable_name: group }),
    ...startOf(from),
    ack_policy: "explicit",
    ack_wait: Math.round(ackDeadlineMs * 1e6),
    filter_subject: filter,
    ...(maxAckPending === undefined ? {} : { max_ack_pending: maxAckPending }),
  };
}

/** The server's word for each place to begin that has a name. */
export const policies = {
  new: "new",
  start: "all",
  last: "last",
  "last-per-subject": "last_per_subject",
} as const;

export function startOf(from: StartPosition): ConsumerConfig {
  if (typeof from === "object") {
    return "sequence" in from
      ? { deliver_policy: "by_start_sequence", opt_start_seq: from.sequence }
      : { deliver_policy: "by_start_time", opt_start_time: from.time.toISOString() };
  }
  return { deliver_policy: policies[from] };
}

const movedNote = "moved by seek()";

/** The consumer of a group after a seek. Its description says so: it starts no more where its members ask for. */
export function movedTo(from: StartPosition, config: ConsumerConfig): ConsumerConfig {
  const { opt_start_seq: _sequence, opt_start_time: _time, ...kept } = config;
  const description = wasMoved(kept)
    ? kept.description
    : [kept.description, movedNote].filter(Boolean).join(", ");
  return { ...kept, ...startOf(from), ...(description === undefined ? {} : { description }) };
}

function wasMoved({ description }: ConsumerConfig): boolean {
  return description?.endsWith(movedNote) === true;
}

/** Throws `InvalidArgumentError` where a consumer that is there is not the one that was asked for. */
export function checkConsumer(
  found: ConsumerConfig,
  settings: JetStreamSubscribeSettings,
  filter: string,
  where: string,
): void {
  const refuse = (argument: string, has: unknown, received: unknown): never => {
    throw new InvalidArgumentError({ argument, expected: `${String(has)}, as ${where} has it`, received });
  };
  const differ = (option: string, has: unknown, received: unknown): never => {
    const expected = `${String(has)}, as ${where} has it (leave it out to take that, or delete the consumer to have it made again)`;
    throw new InvalidArgumentError({ argument: `options.${option}`, expected, received });
  };
  if (found.deliver_subject !== undefined)
    refuse("options.group", "a pull consumer; not a push consumer", settings.group);
  if (found.ack_policy !== "explicit") {
    refuse(
      "options.group",
      `a consumer with ack policy "explicit"; not "${found.ack_policy}"`,
      settings.group,
    );
  }
  const filters = found.filter_subjects ?? [found.filter_subject ?? ">"];
  if (filters.length !== 1 || filters[0] !== filter)
    refuse("The subject", JSON.stringify(filters.join(", ")), filter);
  const { ackDeadlineMs, maxAckPending, from } = settings;
  if (ackDeadlineMs !== undefined && ackDeadlineMs !== ackDeadlineOf(found)) {
    differ("ackDeadlineMs", ackDeadlineOf(found), ackDeadlineMs);
  }
  if (maxAckPending !== undefined && maxAckPending !== found.max_ack_pending) {
    differ("maxAckPending", found.max_ack_pending, maxAckPending);
  }
  if (from !== undefined && !wasMoved(found) && !startsAt(found, from))
    differ("from", describeStart(found), describe(from));
}

/** With `backoff`, the server uses its waits in place of `ack_wait`. The shortest one is always safe. */
export function ackDeadlineOf({ backoff, ack_wait = defaultAckDeadlineMs * 1e6 }: ConsumerConfig): number {
  return (backoff === undefined || backoff.length === 0 ? ack_wait : Math.min(...backoff)) / 1e6;
}

function startsAt(found: ConsumerConfig, from: StartPosition): boolean {
  const wanted = startOf(from);
  if (wanted.deliver_policy !== found.deliver_policy || wanted.opt_start_seq !== found.opt_start_seq)
    return false;
  if (wanted.opt_start_time === undefined) return true;
  return Date.parse(wanted.opt_start_time) === Date.parse(found.opt_start_time ?? "");
}

/** As the option says it, where it can; else in the server's words. */
function describeStart({ deliver_policy, opt_start_seq, opt_start_time }: ConsumerConfig): string {
  if (opt_start_seq !== undefined) return `{ sequence: ${opt_start_seq} }`;
  if (opt_start_time !== undefined) return `{ time: new Date("${opt_start_time}") }`;
  const named = Object.entries(policies).find(([, policy]) => policy === deliver_policy);
  return JSON.stringify(named?.[0] ?? deliver_policy);
}

function describe(from: StartPosition): string {
  if (typeof from === "string") return from;
  return "sequence" in from ? `sequence ${from.sequence}` : `time ${from.time.toISOString()}`;
}
