import { InvalidMessageError } from "../../../traits/errors.ts";
import { type HeaderValue, headerNames, MessageHeaders } from "../../../traits/headers.ts";
import type { AmqpField, AmqpProperties, AmqpTable } from "../client.ts";
import { headerProperties, isHistory, propertyOf, swallowed } from "../options/reserved-headers.ts";
import { isDelayQueue, isDelayQueueOf } from "./delay-queue-names.ts";

type Entry = readonly [name: string, value: HeaderValue];

/** Where a copy in a delay queue says where the original was published. */
const delayedTopicHeader = "x-tidelane-delayed-topic";

/** Direct reply-to: the server gives each channel such an address, which is no queue. */
const replyPrefix = "amq.rabbitmq.reply-to.";

/** Shorter than what the client's buffer takes with everything else that goes into a frame of properties. */
const maxTableBytes = 60_000;

/** The client makes an object of this prototype for each message: with a table of its own for each, for 2 µs. */
const noHeaders: AmqpTable = Object.freeze(Object.create(null));

/** The part of the properties that is made of headers. */
export interface HeaderProperties {
  readonly contentType: string | undefined;
  readonly correlationId: string | undefined;
  readonly messageId: string | undefined;
  readonly replyTo: string | undefined;
  readonly headers: AmqpTable;
}

interface JoinedAddress {
  readonly replyTo: string;
  readonly correlationId: string;
}

// --- from the server

/** Everything in it that is text, bytes, or can be told as text. The rest, unchanged, is in the properties. */
export function readHeaders(from: AmqpProperties): MessageHeaders {
  const table = from.headers ?? {};
  const entries: Entry[] = [];
  for (const [name, property] of headerProperties) {
    const value = from[property];
    // A table with a value of that name was made by `writeHeaders`, for want of room in the property.
    if (value !== undefined && !(name in table))
      entries.push([name, textOrBytes(property === "replyTo" ? replyAddress(from) : value)]);
  }
  for (const [given, field] of Object.entries(table)) {
    if (isHistory(given) || swallowed.has(given)) continue;
    const name = headerName(given);
    if (Array.isArray(field) && field.every(isValue)) {
      for (const value of field) entries.push([name, toValue(value)]);
    } else {
      entries.push([name, toValue(field)]);
    }
  }
  if (table["x-death"] !== undefined && !(headerNames.deadLetterReason in table)) {
    entries.push(...deathHeaders(table["x-death"]));
  }
  return MessageHeaders.from(entries);
}

/**
 * Replies to such an address find their request by its correlation id only. Both travel in the one header, so that a
 * handler that publishes to `reply-to`, and knows nothing of this, answers the right request.
 */
function replyAddress({ replyTo = "", correlationId }: AmqpProperties): string {
  return replyTo.startsWith(replyPrefix) && correlationId !== undefined
    ? `${replyTo}#${correlationId}`
    : replyTo;
}

function isValue(field: AmqpField): boolean {
  return typeof field === "string" || field instanceof Uint8Array;
}

/**
 * Other programs name headers as none may be named here: "cloudEvents:type". What must not be in a name is
 * percent-encoded, so that all of it can be published again, as dead letters are.
 */
function headerName(name: string): string {
  if (name === "") return "%";
  return name.replace(/[\p{Cc}:]|^\s+|\s+$/gu, (part) => encodeURIComponent(part));
}

/** Other programs send text of several lines, which is no text for a header; as bytes it can be published again. */
function textOrBytes(text: string): HeaderValue {
  return /[\r\n\0]/.test(text) ? new TextEncoder().encode(text) : text;
}

function toValue(field: AmqpField): HeaderValue {
  if (typeof field === "string") return textOrBytes(field);
  if (field instanceof Uint8Array) return bytesOf(field);
  if (typeof field === "number" || typeof field === "boolean") return String(field);
  if (field === null || field === undefined) return "";
  const { "!": type, value } = field as { "!"?: unknown; value?: unknown };
  if (type === "timestamp") return String(value);
  return JSON.stringify(field);
}

/** The client gives slices of what it read from the socket, as `Buffer`. */
export function bytesOf(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

/** A dead letter of the server in the words dead letters have everywhere. Waiting in a delay queue is not dying. */
function deathHeaders(deaths: AmqpField): Entry[] {
  const death = (Array.isArray(deaths) ? deaths : []).find(isDeath);
  if (death === undefined) return [];
  const keys = death["routing-keys"];
  const [source] = Array.isArray(keys) ? (keys as unknown[]) : [];
  return [
    [headerNames.deadLetterReason, death.reason],
    [headerNames.deadLetterSource, typeof source === "string" ? source : death.queue],
  ];
}

/** Another program may have sent anything under this name. */
function isDeath(entry: unknown): entry is { queue: string; reason: string; "routing-keys"?: unknown } {
  if (typeof entry !== "object" || entry === null) return false;
  const { queue, reason } = entry as AmqpTable;
  return typeof queue === "string" && typeof reason === "string" && !isDelayQueue(queue);
}

/**
 * Where a delivery was published: by its routing key, or by what a copy says that came back from a delay queue. Of a copy
 * that died afterwards, and was led to another queue, the routing key says where it is now.
 */
export function topicOf(table: AmqpTable, routingKey: string): string {
  const delayed = table[delayedTopicHeader];
  if (typeof delayed !== "string") return routingKey;
  const deaths = table["x-death"];
  const waited = (Array.isArray(deaths) ? deaths : []).some((entry: unknown) => {
    const queue = (entry as { queue?: unknown } | null | undefined)?.queue;
    return typeof queue === "string" && isDelayQueueOf(routingKey, queue);
  });
  return waited ? delayed : routingKey;
}

const counting: ReadonlySet<string> = new Set([headerNames.retryCount, headerNames.retryTopic]);

/** The table of a copy that waits: as it was published, with how often the message was handled before, and at which topic. */
export function delayedTable(table: AmqpTable, routingKey: string, retryCount: number): AmqpTable {
  const published = Object.entries(table).filter(
    ([name]) => !swallowed.has(name) && !isHistory(name) && !counting.has(name.toLowerCase()),
  );
  const topic = topicOf(table, routingKey);
  return {
    ...Object.fromEntries(published),
    [headerNames.retryCount]: String(retryCount),
    [headerNames.retryTopic]: topic,
    [delayedTopicHeader]: topic,
  };
}

// --- to the server

/** Splits what `replyAddress` has joined. */
export function splitTopic(topic: string): {
  routingKey: string;
  correlationId: string | undefined;
  reply: boolean;
} {
  if (!topic.startsWith(replyPrefix)) return { routingKey: topic, correlationId: undefined, reply: false };
  const end = topic.indexOf("#");
  if (end < 0) return { routingKey: topic, correlationId: undefined, reply: true };
  return { routingKey: topic.slice(0, end), correlationId: topic.slice(end + 1), reply: true };
}

/**
 * The headers as they travel. Those with a property of their own go there where they fit and `taken` leaves them room;
 * the others go into the table, where a name that occurs several times, in whatever case, is one array.
 */
export function writeHeaders(
  topic: string,
  headers: MessageHeaders,
  taken: { readonly correlationId?: string | undefined; readonly replyTo?: string | undefined },
): HeaderProperties {
  const written: { -readonly [Name in keyof HeaderProperties]: HeaderProperties[Name] } = {
    contentType: undefined,
    correlationId: taken.correlationId,
    messageId: undefined,
    replyTo: taken.replyTo,
    headers: noHeaders,
  };
  if (headers.size === 0) return written;
  // Without a prototype, or a header named "constructor" would meet one.
  const table: Record<string, string | Buffer | (string | Buffer)[]> = Object.create(null);
  const named = byName(headers);
  const address = named.get(headerNames.replyTo);
  const joined = address === undefined ? undefined : joinedAddress(address[1]);
  if (joined !== undefined && isFree(written, joined)) {
    Object.assign(written, joined);
    named.delete(headerNames.replyTo);
    const [, ids = []] = named.get(headerNames.correlationId) ?? [];
    if (ids.length === 1 && ids[0] === joined.correlationId) named.delete(headerNames.correlationId);
  }
  for (const [name, values] of named.values()) {
    checkName(topic, name);
    const property = propertyOf.get(name.toLowerCase());
    const [value = "", ...others] = values;
    const hasRoom = property !== undefined && written[property] === undefined && others.length === 0;
    // Without its parts beside each other an address is read as one text, which only the table leaves as it is.
    const isParted = property !== "replyTo" || joined === undefined;
    if (hasRoom && isParted && fits(value)) {
      written[property] = value;
    } else {
      table[name] = others.length === 0 ? toField(value) : values.map(toField);
    }
  }
  checkSize(topic, table);
  written.headers = table;
  return written;
}

/**
 * The address and the correlation id that `replyAddress` has joined, of a request that is passed on with its headers. The
 * server sends a reply to the address alone, and the requester finds its request by the id.
 */
function joinedAddress([value, ...others]: readonly HeaderValue[]): JoinedAddress | undefined {
  if (typeof value !== "string" || others.length > 0) return undefined;
  const { routingKey: replyTo, correlationId } = splitTopic(value);
  if (correlationId === undefined || !fits(replyTo) || !fits(correlationId)) return undefined;
  return { replyTo, correlationId };
}

/** Whether the properties have room for both parts: an answer that asks in turn has a correlation id already. */
function isFree({ replyTo, correlationId }: HeaderProperties, joined: JoinedAddress): boolean {
  return replyTo === undefined && (correlationId === undefined || correlationId === joined.correlationId);
}

/** The values of each name in lower case, and its first spelling. */
function byName(headers: MessageHeaders): Map<string, [name: string, values: HeaderValue[]]> {
  const found = new Map<string, [name: string, values: HeaderValue[]]>();
  for (const [name, value] of headers) {
    const folded = name.toLowerCase();
    const entry = found.get(folded);
    if (entry === undefined) found.set(folded, [name, [value]]);
    else entry[1].push(value);
  }
  return found;
}

function fits(value: HeaderValue): value is string {
  return typeof value === "string" && Buffer.byteLength(value) <= 255;
}

function toField(value: HeaderValue): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

function checkName(topic: string, name: string): void {
  const shown = JSON.stringify(name.length <= 60 ? name : `${name.slice(0, 57)}...`);
  if (swallowed.has(name) || isHistory(name)) {
    throw new InvalidMessageError({
      topic,
      reason: `the header ${shown} has a meaning of its own on RabbitMQ`,
    });
  }
  if (Buffer.byteLength(name) > 255) {
    throw new InvalidMessageError({
      topic,
      reason: `the name of the header ${shown} has more than 255 bytes`,
    });
  }
}

function checkSize(topic: string, table: AmqpTable): void {
  let size = 0;
  for (const [name, field] of Object.entries(table)) {
    size += 2 + Buffer.byteLength(name);
    for (const value of Array.isArray(field) ? field : [field]) size += 10 + Buffer.byteLength(value);
  }
  if (size <= maxTableBytes) return;
  const reason = `its headers take ${size} bytes, and at most ${maxTableBytes} go in one message`;
  throw new InvalidMessageError({ topic, reason });
}
