import { checkObject } from "./arguments.ts";
import { InvalidArgumentError } from "./errors.ts";

/** A header value: text, or bytes if the transport carries them. */
export type HeaderValue = string | Uint8Array;

/**
 * What headers can be made from. A record holds one value for each name. Pairs keep the order, and may repeat a
 * name.
 */
export type HeadersInit =
  | MessageHeaders
  | Readonly<Record<string, HeaderValue>>
  | Iterable<readonly [name: string, value: HeaderValue]>;

/** Header names that tidelane gives a meaning. RustStream uses the same names where it has the same meaning. */
export const headerNames = {
  contentType: "content-type",
  correlationId: "correlation-id",
  messageId: "message-id",
  partitionKey: "partition-key",
  replyTo: "reply-to",
  traceparent: "traceparent",
  retryCount: "x-ruststream-retry-count",
  retryTopic: "x-tidelane-retry-topic",
  errorCode: "x-tidelane-error-code",
  deadLetterReason: "x-tidelane-dead-letter-reason",
  deadLetterSource: "x-tidelane-dead-letter-source",
  deadLetterAttempts: "x-tidelane-dead-letter-attempts",
  deadLetterError: "x-tidelane-dead-letter-error",
} as const;

/** Where neighbours put the key: RustStream's crates for NATS and RabbitMQ have a name each. */
const keyHeaders: readonly string[] = [headerNames.partitionKey, "nats-partition-key", "amqp-partition-key"];

/** The name of the header the key travels in: ours, or a neighbour's; ours where several stand. */
export function keyHeaderIn(headers: MessageHeaders): string | undefined {
  return headers.size === 0 ? undefined : keyHeaders.find((name) => headers.has(name));
}

/** The key in the headers, under tidelane's name or one of RustStream's; `undefined` if there is none. */
export function partitionKeyIn(headers: MessageHeaders): string | undefined {
  const name = keyHeaderIn(headers);
  return name === undefined ? undefined : headers.get(name);
}

/**
 * How often the message was handled at `topic` before this copy of it was published; 0 if no header says so. A copy
 * carries the count together with its topic, because attempts at one topic do not count at another. RustStream
 * writes the count without a topic; it then counts everywhere.
 */
export function retryCountIn(headers: MessageHeaders, topic: string): number {
  const carried = headers.size === 0 ? undefined : headers.get(headerNames.retryCount);
  if (carried === undefined || !/^\d{1,9}$/.test(carried)) return 0;
  return (headers.get(headerNames.retryTopic) ?? topic) === topic ? Number(carried) : 0;
}

/** The headers for a copy of a message that was handled `count` times at `topic`. */
export function withRetryCount(headers: MessageHeaders, topic: string, count: number): MessageHeaders {
  return headers.with(headerNames.retryCount, String(count)).with(headerNames.retryTopic, topic);
}

/** A byte order mark is part of the value: without `ignoreBOM` the decoder would swallow it. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** A pair of our own: the caller may still change theirs. */
function copyPair(pair: readonly [name: string, value: HeaderValue]): readonly [string, HeaderValue] {
  if (Array.isArray(pair)) return [pair[0], pair[1]];
  throw new InvalidArgumentError({
    argument: "headers",
    expected: "pairs of name and value",
    received: pair,
  });
}

/**
 * The headers of one message: an immutable list of names and values, in order.
 *
 * A name may be in any case, and may occur twice. A value is text or bytes. `get` gives text, and reads bytes as
 * UTF-8, with wrong bytes replaced. `getBytes` gives bytes.
 */
export class MessageHeaders implements Iterable<readonly [name: string, value: HeaderValue]> {
  static readonly empty: MessageHeaders = new MessageHeaders([]);

  readonly #entries: readonly (readonly [name: string, value: HeaderValue])[];

  private constructor(entries: readonly (readonly [name: string, value: HeaderValue])[]) {
    this.#entries = entries;
  }

  /**
   * Makes headers. Throws `InvalidArgumentError` if `init` is neither headers, a record nor pairs. It does not
   * check names and values.
   */
  static from(init: HeadersInit | undefined): MessageHeaders {
    if (init === undefined) return MessageHeaders.empty;
    if (init instanceof MessageHeaders) return init;
    checkObject("headers", init, "headers, a record or pairs");
    const entries = Symbol.iterator in init ? Array.from(init, copyPair) : Object.entries(init);
    return entries.length === 0 ? MessageHeaders.empty : new MessageHeaders(entries);
  }

  get size(): number {
    return this.#entries.length;
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  /** The first value of this name, as text. */
  get(name: string): string | undefined {
    const value = this.#find(name);
    return value === undefined || typeof value === "string" ? value : decoder.decode(value);
  }

  /** The first value of this name, as bytes. */
  getBytes(name: string): Uint8Array | undefined {
    const value = this.#find(name);
    return typeof value === "string" ? encoder.encode(value) : value;
  }

  /** Every value of this name, in order, as it traveled. */
  getAll(name: string): HeaderValue[] {
    const wanted = name.toLowerCase();
    return this.#entries
      .filter(([candidate]) => candidate.toLowerCase() === wanted)
      .map(([, value]) => value);
  }

  /** A copy with this value at its end, and no other value of this name. */
  with(name: string, value: HeaderValue): MessageHeaders {
    // `concat` makes an array of the right length; a spread with an element behind it keeps room for 16 more.
    return new MessageHeaders(this.#others(name).concat([[name, value]]));
  }

  /** A copy without any value of this name. */
  without(name: string): MessageHeaders {
    return new MessageHeaders(this.#others(name));
  }

  [Symbol.iterator](): Iterator<readonly [name: string, value: HeaderValue]> {
    return this.#entries[Symbol.iterator]();
  }

  #others(name: string): readonly (readonly [name: string, value: HeaderValue])[] {
    if (this.#entries.length === 0) return this.#entries;
    const unwanted = name.toLowerCase();
    return this.#entries.filter(([candidate]) => candidate.toLowerCase() !== unwanted);
  }

  #find(name: string): HeaderValue | undefined {
    if (this.#entries.length === 0) return undefined;
    const wanted = name.toLowerCase();
    for (const [candidate, value] of this.#entries) {
      if (candidate === wanted || candidate.toLowerCase() === wanted) return value;
    }
    return undefined;
  }
}
