import { sleep } from "../../../traits/clock.ts";
import { InvalidArgumentError, TimeoutError } from "../../../traits/errors.ts";
import { includes, overlaps } from "../../nats/message/subject.ts";
import type { JetStreamApi } from "../client.ts";
import { apiErrors, isApiError } from "../errors.ts";
import type { StreamSettings } from "../options.ts";

/** A stream's configuration in the API: counts are -1 and ages 0 where there is no limit; times are nanoseconds. */
export interface StreamConfig {
  readonly subjects?: readonly string[];
  readonly storage?: string;
  readonly retention?: string;
  readonly discard?: string;
  readonly max_msgs?: number;
  readonly max_msgs_per_subject?: number;
  readonly max_bytes?: number;
  readonly max_msg_size?: number;
  readonly max_age?: number;
  readonly duplicate_window?: number;
  readonly num_replicas?: number;
  /** Of a stream that copies others. */
  readonly mirror?: unknown;
  readonly sources?: readonly unknown[];
  /** What it stores comes under other subjects than it was published to. */
  readonly subject_transform?: unknown;
}

type Field = Exclude<keyof StreamSettings, "update">;

export interface StreamInfo {
  readonly config: StreamConfig;
  readonly state: { readonly messages: number; readonly first_seq: number; readonly last_seq: number };
}

/** Of an option: its name in the API, and how its value is written there. */
const fields: {
  readonly [Name in Field]-?: readonly [keyof StreamConfig, nanoseconds?: true];
} = {
  subjects: ["subjects"],
  storage: ["storage"],
  retention: ["retention"],
  discard: ["discard"],
  maxMessages: ["max_msgs"],
  maxMessagesPerSubject: ["max_msgs_per_subject"],
  maxBytes: ["max_bytes"],
  maxMessageBytes: ["max_msg_size"],
  maxAgeMs: ["max_age", true],
  duplicateWindowMs: ["duplicate_window", true],
  replicas: ["num_replicas"],
};

/** What a stream's configuration is made of: all but what says how to go about it. */
function entriesOf(settings: StreamSettings): [Field, unknown][] {
  const entries = Object.entries(settings) as [keyof StreamSettings, unknown][];
  return entries.flatMap(([name, value]) =>
    name === "update" || value === undefined ? [] : [[name, value]],
  );
}

/**
 * Creates the stream where it is missing, and checks it where it is not. Rejects with `InvalidArgumentError` where it
 * is there and different; nothing has been changed then. With `update: "add"` it gets the subjects it lacks.
 */
export async function createStream(
  api: JetStreamApi,
  name: string,
  settings: StreamSettings,
  argument: string,
): Promise<void> {
  const found = await findStream(api, name);
  if (found !== undefined) {
    await reconcile(api, name, settings, found.config, argument);
    return;
  }
  const config = Object.fromEntries(entriesOf(settings).map(([key, value]) => wire(key, value)));
  const defaults = { retention: "limits", storage: "file", discard: "old", num_replicas: 1 };
  try {
    const body = { ...defaults, ...config, name };
    const made = await api.call<StreamInfo>(`STREAM.CREATE.${name}`, body);
    // A server silently leaves out settings that it does not know.
    compare(name, settings, made.config, argument);
  } catch (error) {
    // Somebody else made it in between.
    const other = isApiError(error, apiErrors.streamNameInUse) ? await findStream(api, name) : undefined;
    if (other === undefined) throw await overlap(api, name, settings.subjects ?? [], argument, error);
    await reconcile(api, name, settings, other.config, argument);
  }
}

async function reconcile(
  api: JetStreamApi,
  name: string,
  settings: StreamSettings,
  found: StreamConfig,
  argument: string,
): Promise<void> {
  const { subjects: wanted = [], update, ...others } = settings;
  if (update !== "add") {
    compare(name, settings, found, argument);
    return;
  }
  compare(name, others, found, argument);
  await addSubjects(api, name, wanted, found, argument);
}

/**
 * Adds the subjects that the stream lacks, and removes those that an added pattern includes.
 *
 * An update replaces the whole configuration, and the API cannot say "only if it is still so". Whoever read before
 * we wrote, and writes after it, removes our subjects. So we look again, and add them again.
 */
export async function addSubjects(
  api: JetStreamApi,
  name: string,
  wanted: readonly string[],
  found: StreamConfig,
  argument: string,
): Promise<void> {
  const { clock } = api.connection.settings;
  const end = clock.now() + api.timeoutMs;
  let config = found;
  if (!(await addOnce(api, name, wanted, config, argument))) return;
  for (let held = 0; held < 2; ) {
    await sleep(clock, lookAgainMs * (0.5 + Math.random()));
    config = (await findStream(api, name))?.config ?? config;
    held = (await addOnce(api, name, wanted, config, argument)) ? 0 : held + 1;
    if (held === 0 && clock.now() >= end) {
      const what = `Adding "${wanted.join(", ")}" to the stream "${name}", from which others took it again,`;
      throw new TimeoutError({ what, timeoutMs: api.timeoutMs });
    }
  }
}

/** About; longer than it takes others from their reading to their writing. */
const lookAgainMs = 100;

/** Whether anything was missing. */
async function addOnce(
  api: JetStreamApi,
  name: string,
  wanted: readonly string[],
  found: StreamConfig,
  argument: string,
): Promise<boolean> {
  const { subjects = [] } = found;
  const added = wanted.filter((subject) => !subjects.some((pattern) => includes(pattern, subject)));
  if (added.length === 0) return false;
  const kept = subjects.filter((subject) => !added.some((pattern) => includes(pattern, subject)));
  try {
    await api.call(`STREAM.UPDATE.${name}`, { ...found, subjects: [...kept, ...added] });
    return true;
  } catch (error) {
    throw await overlap(api, name, added, argument, error);
  }
}

/** What the server refuses as subjects of two streams, with the name of the other; any other error as it is. */
async function overlap(
  api: JetStreamApi,
  name: string,
  subjects: readonly string[],
  argument: string,
  error: unknown,
): Promise<unknown> {
  if (!isApiError(error, apiErrors.subjectsOverlap)) return error;
  for (const subject of subjects) {
    const others = (await streamsOf(api, subject)).filter((other) => other !== name);
    if (others.length === 0) continue;
    const expected = `subjects that no other stream has ("${subject}" overlaps with the stream "${others[0]}"; use that stream, or leave the subject out)`;
    return new InvalidArgumentError({
      argument: `${argument}.subjects`,
      expected,
      received: subjects.join(", "),
    });
  }
  return error;
}

/** Whether the stream may store any subject the filter matches. */
export function hasSubject(config: StreamConfig, filter: string): boolean {
  const { subjects = [] } = config;
  return mayHaveAny(config) || subjects.some((pattern) => overlaps(pattern, filter));
}

/** Whether the stream may store every subject the filter matches. */
export function hasAll(config: StreamConfig, filter: string): boolean {
  const { subjects = [] } = config;
  return mayHaveAny(config) || subjects.some((pattern) => includes(pattern, filter));
}

/** One that copies other streams, or renames what it stores, has subjects that its configuration does not list. */
function mayHaveAny({ subjects = [], mirror, sources = [], subject_transform }: StreamConfig): boolean {
  const isCopy = mirror !== undefined || sources.length > 0;
  return isCopy || subject_transform !== undefined || subjects.length === 0;
}

/** Undefined where there is no stream of that name. */
export async function findStream(api: JetStreamApi, name: string): Promise<StreamInfo | undefined> {
  try {
    return await api.call<StreamInfo>(`STREAM.INFO.${name}`);
  } catch (error) {
    if (isApiError(error, apiErrors.streamNotFound)) return undefined;
    throw error;
  }
}

/** The streams that have any subject `subject` matches. */
export async function streamsOf(
  api: JetStreamApi,
  subject: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { streams } = await api.call<{ streams: string[] | null }>("STREAM.NAMES", { subject }, signal);
  return streams ?? [];
}

function wire(name: Field, value: unknown): [keyof StreamConfig, unknown] {
  const [field, nanoseconds] = fields[name];
  return [field, nanoseconds ? Math.round(Number(value) * 1e6) : value];
}

function compare(name: string, settings: StreamSettings, found: StreamConfig, argument: string): void {
  for (const [key, value] of entriesOf(settings)) {
    const [field, wanted] = wire(key, value);
    if (canonical(found[field]) === canonical(wanted)) continue;
    const advice =
      key === "subjects"
        ? adviceOn(settings.subjects ?? [], found.subjects ?? [])
        : "ask for that, or change the stream with the nats CLI";
    throw new InvalidArgumentError({
      argument: `${argument}.${key}`,
      expected: `${plain(found[field], key)}, as the stream "${name}" has it (${advice})`,
      received: Array.isArray(value) ? value.join(", ") : value,
    });
  }
}

function adviceOn(wanted: readonly string[], found: readonly string[]): string {
  const missing = wanted.filter((subject) => !found.some((pattern) => includes(pattern, subject)));
  if (missing.length > 0) return `it lacks "${missing.join(", ")}"; update: "add" adds what is missing`;
  const more = found.filter((subject) => !wanted.includes(subject)).join(", ");
  return `it also stores "${more}"; list the same, take that away with the nats CLI, or leave it with update: "add"`;
}

function canonical(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value) ?? "";
}

function plain(value: unknown, key: string): string {
  if (Array.isArray(value)) return JSON.stringify(value.join(", "));
  if (key.endsWith("Ms")) return String(Number(value) / 1e6);
  return JSON.stringify(value) ?? "left out";
}
