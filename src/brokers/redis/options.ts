import { checkCount, checkDuration, checkFunction, checkName } from "../../traits/arguments.ts";
import { type Clock, systemClock } from "../../traits/clock.ts";
import { InvalidArgumentError } from "../../traits/errors.ts";
import { checkOptionNames, type OptionNames, optionNames } from "../../traits/option-names.ts";
import type { PublishOptions } from "../../traits/publisher.ts";
import { Backoff, type BackoffOptions } from "../shared/backoff.ts";
import { type ConnectOptions, checkConnect, connectOptionNames } from "../shared/first-connect.ts";
import type { RedisClientModule } from "./client.ts";

export interface ReconnectOptions extends BackoffOptions {
  /** Attempts in a row after which a lost connection is given up. @default Infinity */
  readonly maxAttempts?: number;
}

export interface RedisBrokerOptions {
  /**
   * `redis://user:password@host:port/database`, `rediss:` for TLS; special characters of the login are percent-encoded.
   * @default "redis://127.0.0.1:6379"
   */
  readonly url?: string;
  /** Stands in errors and events, and on the server as the name of the connection. @default "redis" */
  readonly name?: string;
  /** Of `node:tls`: ca, cert, key, servername and so on. Goes with `rediss:`. */
  readonly tls?: Readonly<Record<string, unknown>>;
  /** The loaded client: `import * as client from "redis"`. @default the package "redis" */
  readonly client?: RedisClientModule;
  /** Further options for the client's own `createClient`; ours win. */
  readonly clientOptions?: Readonly<Record<string, unknown>>;
  /** How long one attempt to connect may take. @default 10_000 */
  readonly connectTimeoutMs?: number;
  /** A server that is silent for two and a half of these is given up. 0: never. @default 10_000 */
  readonly heartbeatMs?: number;
  /** How the first connect waits for a server that cannot be reached. */
  readonly connect?: ConnectOptions;
  /** How to come back after a loss; `false`: not at all, the connection is closed then. */
  readonly reconnect?: ReconnectOptions | false;
  /** A publish without an answer by then rejects with `TimeoutError`. @default 30_000 */
  readonly publishTimeoutMs?: number;
  /** The longest that closing takes. @default 5_000 */
  readonly closeTimeoutMs?: number;
  /** The server's `proto-max-bulk-len`. @default 512 MiB */
  readonly maxPayloadBytes?: number;
  /** @default the system's */
  readonly clock?: Clock;
}

const brokerOptionNames = optionNames<RedisBrokerOptions>()({
  url: true,
  name: true,
  tls: true,
  client: true,
  clientOptions: true,
  connectTimeoutMs: true,
  heartbeatMs: true,
  connect: connectOptionNames,
  reconnect: optionNames<ReconnectOptions>()({ initialMs: true, maxMs: true, maxAttempts: true }),
  publishTimeoutMs: true,
  closeTimeoutMs: true,
  maxPayloadBytes: true,
  clock: true,
});

/** The options of a broker, checked and complete. */
export interface RedisSettings {
  readonly name: string;
  readonly url: string | undefined;
  readonly tls: Readonly<Record<string, unknown>> | undefined;
  readonly client: RedisClientModule | undefined;
  readonly clientOptions: Readonly<Record<string, unknown>>;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly connect: Required<ConnectOptions>;
  readonly reconnect: BackoffOptions & { readonly maxAttempts: number };
  readonly publishTimeoutMs: number;
  readonly closeTimeoutMs: number;
  readonly maxPayloadBytes: number;
  readonly clock: Clock;
}

export function checkOptions(options: RedisBrokerOptions): RedisSettings {
  checkOptionNames("new RedisBroker(options)", options, brokerOptionNames);
  const { reconnect = {} } = options;
  const { maxAttempts = Number.POSITIVE_INFINITY, ...backoff } =
    reconnect === false ? { maxAttempts: 0 } : reconnect;
  new Backoff(backoff);
  return {
    name: checkName("options.name", options.name ?? "redis"),
    url: options.url,
    tls: options.tls,
    client: options.client,
    clientOptions: options.clientOptions ?? {},
    connectTimeoutMs: checkDuration("options.connectTimeoutMs", options.connectTimeoutMs ?? 10_000),
    heartbeatMs: checkDuration("options.heartbeatMs", options.heartbeatMs ?? 10_000),
    connect: checkConnect(options.connect),
    reconnect: {
      ...backoff,
      maxAttempts: checkCount("options.reconnect.maxAttempts", maxAttempts, 0, true),
    },
    publishTimeoutMs: checkDuration("options.publishTimeoutMs", options.publishTimeoutMs ?? 30_000),
    closeTimeoutMs: checkDuration("options.closeTimeoutMs", options.closeTimeoutMs ?? 5_000),
    maxPayloadBytes: checkCount("options.maxPayloadBytes", options.maxPayloadBytes ?? 2 ** 29, 0),
    clock: options.clock ?? systemClock,
  };
}

/** Where a group starts that is new: the oldest entry there is, what comes next, behind an entry, or at a moment. */
export type RedisStart = "start" | "new" | Date | { readonly after: string };

/** Where the server puts what was dropped, or delivered too often. */
export interface RedisDeadLetterOptions {
  /** Another stream. In a cluster it needs the same hash tag as the stream it takes from. */
  readonly topic: string;
  /** After so many deliveries that ended in a requeue, an expired deadline or a crash. @default Infinity */
  readonly maxDeliveries?: number;
}

export interface RedisStreamOptions {
  /** Subscriptions of one group share the stream. Without, this one has a group of its own, deleted when it closes. */
  readonly group?: string;
  /** Where a group starts that is new. @default "start" with a group, "new" without */
  readonly from?: RedisStart;
  /** Makes the stream and the group where they are missing. `false`: that is an error. @default true */
  readonly create?: boolean;
  /** Deliveries held unsettled at most, those not handed out yet among them. @default 256 */
  readonly maxInFlight?: number;
  /** Entries fetched ahead of demand at most. @default 64, or `maxInFlight` where that is less */
  readonly prefetch?: number;
  /** An entry unsettled for so long is delivered again, here or to another member. At least 100. @default 30_000 */
  readonly ackDeadlineMs?: number;
  /** How often a member looks for entries that others gave back or left. At least 10. @default 500 */
  readonly recoverEveryMs?: number;
  /** What becomes of dropped entries. @default acknowledged */
  readonly deadLetter?: RedisDeadLetterOptions;
}

const streamOptionNames = optionNames<RedisStreamOptions>()({
  group: true,
  from: true,
  create: true,
  maxInFlight: true,
  prefetch: true,
  ackDeadlineMs: true,
  recoverEveryMs: true,
  deadLetter: optionNames<RedisDeadLetterOptions>()({ topic: true, maxDeliveries: true }),
});

/** The options of a subscription, checked and complete. */
export interface StreamSettings {
  readonly stream: string;
  readonly group: string | undefined;
  readonly from: RedisStart;
  readonly create: boolean;
  readonly maxInFlight: number;
  readonly prefetch: number;
  readonly ackDeadlineMs: number;
  readonly recoverEveryMs: number;
  readonly deadLetter: Required<RedisDeadLetterOptions> | undefined;
}

/** `by` names the function that was called. */
export function checkStreamOptions(by: string, stream: string, options: RedisStreamOptions): StreamSettings {
  checkName(`${by}(stream)`, stream);
  checkOptionNames(`${by}(${JSON.stringify(stream)}, options)`, options, streamOptionNames);
  const { group, create = true, deadLetter } = options;
  const maxInFlight = checkCount("options.maxInFlight", options.maxInFlight ?? 256);
  if (group !== undefined) checkName("options.group", group);
  if (typeof create !== "boolean") refuse("options.create", "true or false", create);
  if (deadLetter !== undefined) {
    checkName("options.deadLetter.topic", deadLetter.topic);
    if (deadLetter.topic === stream) {
      refuse("options.deadLetter.topic", "another stream than the one it takes from", deadLetter.topic);
    }
  }
  const { maxDeliveries = Number.POSITIVE_INFINITY } = deadLetter ?? {};
  return {
    stream,
    group,
    from: checkStart(options.from ?? (group === undefined ? "new" : "start")),
    create,
    maxInFlight,
    prefetch: Math.min(maxInFlight, checkCount("options.prefetch", options.prefetch ?? 64)),
    ackDeadlineMs: checkCount("options.ackDeadlineMs", options.ackDeadlineMs ?? 30_000, 100),
    recoverEveryMs: checkCount("options.recoverEveryMs", options.recoverEveryMs ?? 500, 10),
    deadLetter: deadLetter && {
      topic: deadLetter.topic,
      maxDeliveries: checkCount("options.deadLetter.maxDeliveries", maxDeliveries, 1, true),
    },
  };
}

const largest = 2n ** 64n - 1n;

/** Whether it is the id of an entry: `milliseconds-number`. */
export function isEntryId(text: unknown): text is string {
  const parts = typeof text === "string" ? /^(\d{1,20})-(\d{1,20})$/.exec(text) : null;
  return parts !== null && BigInt(parts[1] ?? 0) <= largest && BigInt(parts[2] ?? 0) <= largest;
}

function checkStart(from: unknown): RedisStart {
  if (from === "start" || from === "new") return from;
  if (from instanceof Date && Number.isFinite(from.getTime())) return from;
  if (typeof from === "object" && from !== null && "after" in from) {
    const { after } = from;
    if (isEntryId(after)) return { after };
  }
  return refuse("options.from", '"start", "new", a Date, or { after } with the id of an entry', from);
}

/** What the server drops of a stream when something is added to it. */
export interface RedisTrimOptions {
  /** Keeps about so many entries (`MAXLEN`). Entries that a group has not had yet go too. */
  readonly maxLength?: number;
  /** Drops entries before this id (`MINID`). Asked with each publish: `` () => `${Date.now() - 86_400_000}-0` `` */
  readonly minId?: () => string;
  /** To the entry, rather than to the next node of the server's tree, which is faster. @default false */
  readonly exact?: boolean;
}

export interface RedisPublisherOptions {
  /** A publish to a stream that is missing makes it; `false`: it is refused. @default true */
  readonly create?: boolean;
  /** Trims the stream with each publish. @default never */
  readonly trim?: RedisTrimOptions;
}

const publisherOptionNames = optionNames<RedisPublisherOptions>()({
  create: true,
  trim: optionNames<RedisTrimOptions>()({ maxLength: true, minId: true, exact: true }),
});

export const publishOptionNames: OptionNames = optionNames<PublishOptions>()({ signal: true });

export interface PublisherSettings {
  readonly create: boolean;
  readonly trim: RedisTrimOptions | undefined;
}

export function checkPublisherOptions(options: RedisPublisherOptions): PublisherSettings {
  checkOptionNames("connection.publisher(options)", options, publisherOptionNames);
  const { create = true, trim } = options;
  if (typeof create !== "boolean") refuse("options.create", "true or false", create);
  if (trim !== undefined) checkTrim(trim);
  return { create, trim };
}

function checkTrim({ maxLength, minId }: RedisTrimOptions): void {
  if (maxLength !== undefined) checkCount("options.trim.maxLength", maxLength, 0);
  if (minId !== undefined) checkFunction("options.trim.minId", minId);
  if ((maxLength === undefined) === (minId === undefined)) {
    refuse("options.trim", "an object with either maxLength or minId", { maxLength, minId });
  }
}

function refuse(argument: string, expected: string, received: unknown): never {
  throw new InvalidArgumentError({ argument, expected, received });
}
