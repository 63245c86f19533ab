import type { PublisherCapabilities } from "./capabilities.ts";
import { InvalidMessageError } from "./errors.ts";
import { keyHeaderIn, MessageHeaders, partitionKeyIn } from "./headers.ts";
import { checkOptionNames, type OptionNames } from "./option-names.ts";
import type { OutgoingMessage } from "./publisher.ts";
import { show } from "./show.ts";

/**
 * An outgoing message after `checkOutgoing`: its payload is bytes, and its key is also in the headers, if the
 * transport needs that.
 */
export interface CheckedMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly headers: MessageHeaders;
  readonly key: string | undefined;
}

const encoder = new TextEncoder();
const controlCharacter = /\p{Cc}/u;
const headerBreaker = /[\r\n\0]/;

/**
 * For adapters: checks an outgoing message before anything is sent. Throws `InvalidMessageError` if no transport
 * could carry it, or if it is beyond `limits`. Afterwards the adapter checks what only its own transport refuses,
 * such as a wildcard or a long name.
 *
 * Throws `UnknownOptionError` if the message has a field that nobody reads, because a misspelt `key` would lose its
 * order. `more` names the fields that this transport adds. `keyHeader` is the header that carries the key; `false`
 * if the transport has another place for it.
 */
export function checkOutgoing(
  message: OutgoingMessage,
  limits: PublisherCapabilities,
  options: { readonly keyHeader: string | false; readonly more?: OptionNames },
): CheckedMessage {
  for (const field in message) {
    if (!Object.hasOwn(fields, field) && options.more?.[field] === undefined)
      refuseField(message, options.more);
  }
  const topic = checkTopic(message.topic);
  const payload = toBytes(topic, message.payload);
  if (payload.byteLength > limits.maxPayloadBytes) {
    const reason = `its payload has ${payload.byteLength} bytes, and the limit here is ${limits.maxPayloadBytes}`;
    throw new InvalidMessageError({ topic, reason });
  }
  const given = toHeaders(topic, message.headers);
  if (given.size > 0) checkHeaders(topic, given, limits);
  // Most messages have no key and no headers, and nothing to place.
  else if (message.key === undefined) return { topic, payload, headers: given, key: undefined };
  const { key, headers } = placeKey(topic, message.key, given, options.keyHeader);
  return { topic, payload, headers, key };
}

const fields: OptionNames = { topic: true, payload: true, headers: true, key: true };

function refuseField(message: OutgoingMessage, more: OptionNames = {}): void {
  checkOptionNames("publish(message)", message, { ...fields, ...more });
}

/** The last topic that was right: publishers say the same again and again. */
let lastRight = "a";

function checkTopic(topic: unknown): string {
  if (topic === lastRight) return lastRight;
  if (typeof topic !== "string" || topic.length === 0) {
    const shown = typeof topic === "string" ? topic : show(topic);
    throw new InvalidMessageError({ topic: shown, reason: "a topic is a non-empty string" });
  }
  if (controlCharacter.test(topic)) {
    throw new InvalidMessageError({ topic, reason: "a topic has no control characters" });
  }
  if (!topic.isWellFormed()) {
    throw new InvalidMessageError({
      topic,
      reason: "a topic has no lone surrogate, which is not text",
    });
  }
  lastRight = topic;
  return topic;
}

function toBytes(topic: string, payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  if (typeof payload !== "string") {
    throw new InvalidMessageError({ topic, reason: "its payload is neither a string nor a Uint8Array" });
  }
  // UTF-8 has no bytes for a lone surrogate; the encoder would send another character.
  if (!payload.isWellFormed()) {
    throw new InvalidMessageError({ topic, reason: "its payload has a lone surrogate, which is not text" });
  }
  return encoder.encode(payload);
}

function toHeaders(topic: string, init: OutgoingMessage["headers"]): MessageHeaders {
  try {
    return MessageHeaders.from(init);
  } catch (cause) {
    const reason = "its headers are neither a record nor pairs of name and value";
    throw new InvalidMessageError({ topic, reason, cause });
  }
}

function checkHeaders(topic: string, headers: MessageHeaders, limits: PublisherCapabilities): void {
  const seen = new Set<string>();
  for (const [name, value] of headers) {
    const fault = nameFault(name) ?? valueFault(value, limits);
    if (fault)
      throw new InvalidMessageError({ topic, reason: `the header ${JSON.stringify(name)} ${fault}` });
    const folded = name.toLowerCase();
    if (seen.has(folded) && !limits.duplicateHeaders) {
      const reason = `the header "${name}" occurs twice, which this transport cannot carry`;
      throw new InvalidMessageError({ topic, reason });
    }
    seen.add(folded);
  }
}

function nameFault(name: unknown): string | undefined {
  if (typeof name !== "string" || name.length === 0) return "has no name";
  if (!name.isWellFormed()) return "has a lone surrogate in its name, which is not text";
  return controlCharacter.test(name) || name.includes(":") || name.trim() !== name
    ? "has a control character, a colon, or space around its name"
    : undefined;
}

function valueFault(value: unknown, limits: PublisherCapabilities): string | undefined {
  if (typeof value === "string") return textFault(value);
  if (!(value instanceof Uint8Array)) return "has a value that is neither text nor bytes";
  return limits.headerValues === "text"
    ? "has a value in bytes, and this transport carries text only"
    : undefined;
}

function textFault(value: string): string | undefined {
  if (headerBreaker.test(value)) return "has CR, LF or NUL in its value; send bytes or encode it";
  return value.isWellFormed() ? undefined : "has a lone surrogate in its value, which is not text";
}

function placeKey(
  topic: string,
  key: unknown,
  headers: MessageHeaders,
  keyHeader: string | false,
): { key: string | undefined; headers: MessageHeaders } {
  if (key === undefined) return { key: keyHeader === false ? undefined : partitionKeyIn(headers), headers };
  const fault = typeof key === "string" ? textFault(key) : "is not a string";
  if (fault !== undefined) throw new InvalidMessageError({ topic, reason: `its key ${fault}` });
  if (keyHeader === false) return { key: key as string, headers };
  const header = keyHeaderIn(headers);
  const stated = header === undefined ? undefined : headers.get(header);
  if (stated !== undefined && stated !== key) {
    const reason = `its key is ${JSON.stringify(key)} and its "${header}" header says ${JSON.stringify(stated)}`;
    throw new InvalidMessageError({ topic, reason });
  }
  return {
    key: key as string,
    headers: headers.has(keyHeader) ? headers : headers.with(keyHeader, key as string),
  };
}
