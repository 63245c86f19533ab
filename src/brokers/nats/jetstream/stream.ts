import { checkCount } from "../../../traits/arguments.ts";
import { InvalidArgumentError } from "../../../traits/errors.ts";
import { apiErrors, isApiError } from "../errors.ts";
import { positive } from "../options.ts";
import { checkPattern } from "../subject.ts";
import type { JetStreamApi } from "./api.ts";

/** A stream, as far as it is declared here. What is left out is the server's default, and is not checked. */
export interface StreamSettings {
  readonly subjects: readonly string[];
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

/** A stream's configuration in the API: counts are -1 and ages 0 where there is no limit; times are nanoseconds. */
interface StreamConfig {
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
}

export interface StreamInfo {
  readonly config: StreamConfig;
  readonly state: { readonly messages: number; readonly first_seq: number; readonly last_seq: number };
}

/** Of an option: its name in the API, and how its value is written there. */
const fields: {
  readonly [Name in keyof StreamSettings]-?: readonly [keyof StreamConfig, nanoseconds?: true];
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

export function checkStreamSettings(argument: string, settings: StreamSettings): void {
  if (typeof settings !== "object" || settings === null || !Array.isArray(settings.subjects)) {
    throw new InvalidArgumentError({ argument, expected: 'an object with "subjects"', received: settings });
  }
  if (settings.subjects.length === 0) {
    const expected = "a list of one subject or more";
    throw new InvalidArgumentError({ argument: `${argument}.subjects`, expected, received: "an empty one" });
  }
  for (const subject of settings.subjects) checkPattern(`${argument}.subjects`, subject);
  for (const [name, value] of entriesOf(settings)) {
    if (!(name in fields)) {
      const expected = `one of ${Object.keys(fields).join(", ")}`;
      throw new InvalidArgumentError({ argument: `a field of ${argument}`, expected, received: name });
    }
    if (name.endsWith("Ms")) positive(`${argument}.${name}`, value);
    else if (typeof value === "number") checkCount(`${argument}.${name}`, value);
  }
}

function entriesOf(settings: StreamSettings): [keyof StreamSettings, unknown][] {
  const entries = Object.entries(settings) as [keyof StreamSettings, unknown][];
  return entries.filter(([, value]) => value !== undefined);
}

/**
 * Creates the stream where it is missing, and checks it where it is not. Rejects with `InvalidArgumentError` where it
 * is there and different; nothing has been changed then.
 */
export async function ensureStream(
  api: JetStreamApi,
  name: string,
  settings: StreamSettings,
  argument: string,
): Promise<void> {
  const found = await findStream(api, name);
  if (found !== undefined) {
    compare(name, settings, found.config, argument);
    return;
  }
  const config = Object.fromEntries(entriesOf(settings).map(([key, value]) => wire(key, value)));
  try {
    const made = await api.call<StreamInfo>(`STREAM.CREATE.${name}`, {
      retention: "limits",
      storage: "file",
      discard: "old",
      num_replicas: 1,
      ...config,
      name,
    });
    // n.b. a server leaves out what it does not know, without a word.
    compare(name, settings, made.config, argument);
  } catch (error) {
    // Somebody else made it in between.
    const other = isApiError(error, apiErrors.streamNameInUse) ? await findStream(api, name) : undefined;
    if (other === undefined) throw error;
    compare(name, settings, other.config, argument);
  }
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
export async function streamsOf(api: JetStreamApi, subject: string): Promise<readonly string[]> {
  const { streams } = await api.call<{ streams: string[] | null }>("STREAM.NAMES", { subject });
  return streams ?? [];
}

function wire(name: keyof StreamSettings, value: unknown): [keyof StreamConfig, unknown] {
  const [field, nanoseconds] = fields[name];
  return [field, nanoseconds ? Math.round(Number(value) * 1e6) : value];
}

function compare(name: string, settings: StreamSettings, found: StreamConfig, argument: string): void {
  for (const [key, value] of entriesOf(settings)) {
    const [field, wanted] = wire(key, value);
    if (canonical(found[field]) === canonical(wanted)) continue;
    throw new InvalidArgumentError({
      argument: `${argument}.${key}`,
      expected: `${plain(found[field], key)}, as the stream "${name}" has it (ask for that, or change the stream with the nats CLI)`,
      received: Array.isArray(value) ? value.join(", ") : value,
    });
  }
}

function canonical(value: unknown): string {
  return JSON.stringify(Array.isArray(value) ? value.toSorted() : value) ?? "";
}

function plain(value: unknown, key: string): string {
  if (Array.isArray(value)) return JSON.stringify(value.join(", "));
  if (key.endsWith("Ms")) return String(Number(value) / 1e6);
  return JSON.stringify(value) ?? "left out";
}
