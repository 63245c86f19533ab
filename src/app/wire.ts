import { isThenable } from "../runtime/thenable.ts";
import { messageOf } from "../runtime/thrown.ts";
import { decoderOf, json, type SchemaResult, type StandardSchema, toDecodeIssue } from "../traits/codec.ts";
import { DecodeError, type DecodeIssue, InvalidMessageError, isTidelaneError } from "../traits/errors.ts";
import { type HeadersInit, headerNames, MessageHeaders } from "../traits/headers.ts";
import type { Message } from "../traits/message.ts";
import type { OutgoingMessage } from "../traits/publisher.ts";
import { show } from "../traits/show.ts";
import type { Channel } from "./channel.ts";
import type { TopicTemplate } from "./topic-template.ts";
import type { HeaderCodec } from "./union.ts";

/** What is said of one message beside its value. */
export interface Envelope {
  readonly params?: Readonly<Record<string, string>> | undefined;
  readonly headers?: HeadersInit | undefined;
  /** In errors. @default "the value" */
  readonly what?: string;
}

/** A value ready to be sent, and as its handlers will get it. */
export interface Encoded {
  readonly message: OutgoingMessage;
  readonly value: unknown;
}

/**
 * Checks and encodes one value. Nothing is sent before all of it is right; throws, or rejects with, `InvalidMessageError`. A
 * promise only where a schema is asynchronous, so that publishes keep the order of their calls.
 */
export function encode(
  channel: Channel,
  template: Pick<TopicTemplate, "fill">,
  input: unknown,
  envelope: Envelope,
): Encoded | Promise<Encoded> {
  const topic = template.fill(envelope.params);
  const headers = MessageHeaders.from(envelope.headers);
  const fit = channel.headers && validated(topic, "its headers do", channel.headers, recordOf(headers));
  const { what = "the value" } = envelope;
  const value = validated(topic, `${what} does`, channel.schema, input);
  if (isLate(value) || isLate(fit)) {
    return Promise.all([value, fit]).then(([late]) => finish(channel, topic, input, late, headers));
  }
  return finish(channel, topic, input, value, headers);
}

function finish(
  channel: Channel,
  topic: string,
  input: unknown,
  value: unknown,
  given: MessageHeaders,
): Encoded {
  const { codec } = channel;
  let payload: Uint8Array;
  try {
    payload = codec.encode(input);
  } catch (cause) {
    throw new InvalidMessageError({ topic, reason: `its codec failed: ${messageOf(cause)}`, cause });
  }
  let headers = given.has(headerNames.contentType)
    ? given
    : given.with(headerNames.contentType, codec.contentType);
  for (const [name, said] of (codec as Partial<HeaderCodec>).headersOf?.(input) ?? []) {
    headers = headers.with(name, said);
  }
  if (channel.key === undefined) return { message: { topic, payload, headers }, value };
  return { message: { topic, payload, headers, key: keyOfValue(channel, topic, value) }, value };
}

function keyOfValue({ key }: Channel, topic: string, value: unknown): string {
  let found: unknown;
  try {
    found = key?.(value);
  } catch (cause) {
    throw new InvalidMessageError({ topic, reason: `its key function threw: ${messageOf(cause)}`, cause });
  }
  if (typeof found === "string") return found;
  const reason = `its key function returned ${show(found)}; the key of a channel is a string`;
  throw new InvalidMessageError({ topic, reason });
}

/** What the schema makes of an outgoing value; without a schema, the value. */
function validated(topic: string, what: string, schema: StandardSchema | undefined, input: unknown): unknown {
  if (schema === undefined) return input;
  const refuse = (issues: readonly DecodeIssue[]): Error =>
    new InvalidMessageError({ topic, reason: `${what} not fit the schema of its channel`, issues });
  const failed = (cause: unknown): never => {
    if (isTidelaneError(cause, "TIDELANE_INVALID_MESSAGE")) throw cause;
    throw new InvalidMessageError({ topic, reason: `the schema failed: ${messageOf(cause)}`, cause });
  };
  try {
    const value = checked(schema, input, refuse);
    return isLate(value) ? value.catch(failed) : value;
  } catch (cause) {
    return failed(cause);
  }
}

/** What the schema gives. Throws, or rejects with, what `refuse` makes of its issues. */
function checked(
  schema: StandardSchema,
  input: unknown,
  refuse: (issues: readonly DecodeIssue[]) => Error,
): unknown {
  const accept = (result: SchemaResult<unknown>): unknown => {
    if (result.issues === undefined) return result.value;
    throw refuse(result.issues.map(toDecodeIssue));
  };
  const result = schema["~standard"].validate(input);
  return isThenable(result) ? Promise.resolve(result).then(accept) : accept(result);
}

/** Headers as a schema reads them: the first text of each name, the names in lower case. */
function recordOf(headers: MessageHeaders): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name] of headers) record[name.toLowerCase()] ??= headers.get(name) as string;
  return record;
}

/** What the headers schema made of a message's headers: kept from its decoding until its handler asks. */
const readHeaders = new WeakMap<Message, unknown>();

/** The headers of a message as its handler gets them. */
export function headersOf(channel: Channel, message: Message): unknown {
  return channel.headers === undefined ? message.headers : readHeaders.get(message);
}

/** How a subscription to the channel decodes. Throws, or rejects with, what the runtime reports as `DecodeError`. */
export function decoderFor(channel: Channel, template: TopicTemplate): (message: Message) => unknown {
  const value = valueDecoder(channel);
  const { headers } = channel;
  const hasParams = template.params.length > 0;
  if (headers === undefined && !hasParams) return value;
  return (message) => {
    const { topic } = message;
    if (hasParams && template.read(topic) === undefined) {
      throw new DecodeError({ topic, reason: `its topic is not of the shape "${template.text}"` });
    }
    if (headers === undefined) return value(message);
    const keep = (read: unknown): unknown => {
      readHeaders.set(message, read);
      return value(message);
    };
    const read = decoded(topic, "its headers do", headers, recordOf(message.headers));
    return isLate(read) ? read.then(keep) : keep(read);
  };
}

function valueDecoder({ schema, codec }: Channel): (message: Message) => unknown {
  if (schema === undefined) return (message) => codec.decode(message);
  if (codec === json) return decoderOf(schema);
  return (message) => {
    const accept = (carried: unknown): unknown => decoded(message.topic, "the value does", schema, carried);
    const carried = codec.decode(message);
    return isLate(carried) ? carried.then(accept) : accept(carried);
  };
}

function decoded(topic: string, what: string, schema: StandardSchema, input: unknown): unknown {
  return checked(
    schema,
    input,
    (issues) => new DecodeError({ topic, reason: `${what} not fit the schema`, issues }),
  );
}

function isLate(value: unknown): value is Promise<unknown> {
  return value instanceof Promise;
}
